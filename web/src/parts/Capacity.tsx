import type { WorkClass } from "../client/protocol";
import { usedSlots } from "../state/agent";
import { capacity, mine } from "../state/store";

const WORDS: Record<WorkClass, string> = { voice: "Voice", messaging: "Messaging", mail: "Mail", voicemail: "Voicemail" };
const MOST_PIPS = 6;

export function Capacity() {
  const state = mine.value;
  if (!state) return null;
  const lines = usedSlots(capacity.value, state);
  if (lines.length === 0) return null;
  return (
    <dl class="capacity" data-test="capacity">
      {lines.map(({ work, used, slots }) => (
        <div key={work} title={`${WORDS[work]}: ${used} of ${slots} in use`}>
          <dt>{WORDS[work]}</dt>
          <dd data-test={`capacity-${work}`} data-used={used} data-slots={slots}>
            <span class="sr">{used} of {slots} in use</span>
            {slots <= MOST_PIPS
              ? Array.from({ length: slots }, (_, at) => <i key={at} class={at < used ? "pip on" : "pip"} />)
              : <span aria-hidden="true">{used}/{slots}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
