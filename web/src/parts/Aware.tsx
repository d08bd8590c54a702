import type { OpenProfile } from "../state/profile";
import { names, typists } from "../state/typists";
import { Avatar } from "./Avatar";

/** Who is writing just now. It is seen and not announced: it would interrupt whoever listens, and it may be nothing. */
export function Aware({ open }: { open: OpenProfile }) {
  const here = typists.value.filter((each) => each.customer === open.id);
  return (
    <div class="aware" data-test="aware">
      {here.map(({ agent, note }) => {
        const name = agent ? names.value.get(agent) ?? null : open.customer?.name ?? null;
        return (
          <span key={agent} class="aware-who">
            <Avatar id={agent ?? open.id} name={name} size="s" />
            <span><bdi>{name ?? (agent ? "A colleague" : "The customer")}</bdi> is typing{note ? " a note" : ""}</span>
            <span class="typing" aria-hidden="true"><b /><b /><b /></span>
          </span>
        );
      })}
    </div>
  );
}
