import { link, type LinkView } from "../state/store";
import { time } from "../view/format";
import { Icon } from "./Icon";

export function words(view: LinkView): string {
  switch (view.state) {
    case "connecting": return "Connecting";
    case "live": return "Live";
    case "catching": return `Catching up · ${view.count}`;
    case "offline": return `Offline since ${time(view.since)}`;
    case "refused": return `Closed at ${time(view.since)}`;
  }
}

export function ConnectionChip() {
  const view = link.value;
  const text = words(view);
  return (
    <span class={`chip-link ${view.state}`} title={text} data-test="connection" data-state={view.state}>
      {view.state === "live" && <span class="dot" />}
      {(view.state === "catching" || view.state === "connecting") && <span class="spinner" />}
      {(view.state === "offline" || view.state === "refused") && <Icon name="offline" size={14} />}
      <span class="chip-words">{text}</span>
    </span>
  );
}
