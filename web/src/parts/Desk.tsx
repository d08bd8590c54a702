import { useEffect } from "preact/hooks";
import { ringing } from "../state/agent";
import { dialog, mine, opening, profile } from "../state/store";
import { listenForKeys } from "../view/keys";
import { Banner } from "./Banner";
import { Idle } from "./Idle";
import { KeyMap } from "./KeyMap";
import { LiveRegions } from "./LiveRegions";
import { Notice } from "./Notice";
import { Offers } from "./Offers";
import { Opening } from "./Opening";
import { ProfileView } from "./ProfileView";
import { Rail } from "./Rail";
import { SearchPalette } from "./SearchPalette";

export function Desk() {
  useEffect(listenForKeys, []);
  const rings = ringing(mine.value?.offers ?? new Map()).filter((offer) => offer.phase !== "ended").length;
  const name = profile.value?.customer.name;
  useEffect(() => {
    document.title = `${rings ? `(${rings}) ` : ""}${name ? `${name} · ` : ""}Screenpop`;
  }, [rings, name]);
  const open = profile.value;
  const over = Boolean(open || opening.value);
  return (
    <div class="desk">
      <a class="skip" href="#main">Skip to the customer</a>
      {over && <Offers docked />}
      <Rail />
      <main class="main" id="main" tabIndex={-1}>
        {opening.value ? <Opening /> : open ? <ProfileView open={open} /> : <><Banner /><Idle /></>}
      </main>
      <Notice />
      {dialog.value === "search" && <SearchPalette />}
      {dialog.value === "keys" && <KeyMap />}
      <LiveRegions />
    </div>
  );
}
