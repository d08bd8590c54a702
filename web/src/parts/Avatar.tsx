import type { Channel, Id } from "../client/protocol";
import { initials } from "../view/format";
import { Icon } from "./Icon";

const TINTS = 6;

/** Initials on a tint that stays with the id; without a name, a figure. */
export function Avatar({ id, name, size = "m", channel }: {
  id: Id; name: string | null; size?: "s" | "m" | "l"; channel?: Channel;
}) {
  const letters = initials(name ?? "");
  return (
    <span class={`avatar size-${size} ${letters ? `tint-${tintOf(id)}` : "tint-none"}`} aria-hidden="true">
      {letters || <Icon name="user" size={size === "l" ? 22 : 16} />}
      {channel && <span class={`avatar-badge ch-${channel}`}><Icon name={channel} size={11} /></span>}
    </span>
  );
}

function tintOf(id: Id): number {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return ((hash >>> 8) % TINTS) + 1;
}
