import { useEffect } from "preact/hooks";
import { ringing } from "../state/agent";
import { dialog, mine, opening, profile } from "../state/store";
import { listenForKeys } from "../view/keys";
import { Banner } from "./Banner";
import { Handovers } from "./Handovers";
import { Idle } from "./Idle";
import { KeyMap } from "./KeyMap";
import { LiveRegions } from "./LiveRegions";
import { MergeDialog } from "./MergeDialog";
import { MoveDialog } from "./MoveDialog";
import { Notice } from "./Notice";
import { Offers } from "./Offers";
import { Opening } from "./Opening";
import { ProfileView } from "./ProfileView";
import { Rail } from "./Rail";
import { SearchPalette } from "./SearchPalette";
import { SeenDialog } from "./SeenDialog";
import { TransferDialog } from "./TransferDialog";
import { UnmergeDialog } from "./UnmergeDialog";

function Dialogs() {
  const shown = dialog.value;
  switch (shown?.kind) {
    case "search": return <SearchPalette />;
    case "keys": return <KeyMap />;
    case "merge": return <MergeDialog key={shown.loser} {...shown} />;
    case "unmerge": return <UnmergeDialog key={shown.merge.id} merge={shown.merge} />;
    case "move": return <MoveDialog key={shown.conversation.id} conversation={shown.conversation} />;
    case "seen": return <SeenDialog key={shown.conversation.id} conversation={shown.conversation} />;
    case "transfer": return <TransferDialog key={shown.held.contact} held={shown.held} />;
    default: return null;
  }
}

export function Desk() {
  useEffect(listenForKeys, []);
  const rings = ringing(mine.value?.offers ?? new Map()).filter((offer) => offer.phase !== "ended").length;
  const name = profile.value?.customer?.name;
  useEffect(() => {
    document.title = `${rings ? `(${rings}) ` : ""}${name ? `${name} · ` : ""}Screenpop`;
  }, [rings, name]);
  const open = profile.value;
  const over = Boolean(open || opening.value);
  return (
    <div class="desk">
      <a class="skip" href="#main">Skip to the customer</a>
      {over && <Offers docked />}
      <Handovers />
      <Rail />
      <main class="main" id="main" tabIndex={-1}>
        {opening.value ? <Opening /> : open ? <ProfileView open={open} /> : <><Banner /><Idle /></>}
      </main>
      <Notice />
      <Dialogs />
      <LiveRegions />
    </div>
  );
}
