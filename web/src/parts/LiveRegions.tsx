import { assertive, polite } from "../state/announce";
import { link } from "../state/store";
import { words } from "./ConnectionChip";

export function LiveRegions() {
  const view = link.value;
  const broken = view.state === "offline" || view.state === "refused";
  return (
    <>
      <div class="sr" role="status" aria-live="polite">{polite.value}</div>
      <div class="sr" role="alert" aria-live="assertive">{assertive.value}</div>
      <div class="sr" role="alert">{broken ? words(view) : ""}</div>
    </>
  );
}
