import { useEffect } from "preact/hooks";
import { notice } from "../state/store";
import { Icon } from "./Icon";

const SHOWN_MS = 8_000;

/** What a refused action says: for a while, at the foot of the page. */
export function Notice() {
  const said = notice.value;
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => { notice.value = null; }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  if (!said) return null;
  return (
    <div class={`notice ${said.bad ? "bad" : ""}`} data-test="notice">
      <Icon name={said.bad ? "alert" : "check"} />
      <span>{said.text}</span>
      <button type="button" class="button quiet square small" aria-label="Dismiss" onClick={() => { notice.value = null; }}><Icon name="close" size={14} /></button>
    </div>
  );
}
