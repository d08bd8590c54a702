import type { HandleView } from "../client/protocol";
import type { IconName } from "../view/icons";
import { fullWhen } from "../view/format";
import { Icon } from "./Icon";

const SOCIAL: Record<string, IconName> = { whatsapp: "whatsapp", messenger: "messenger", instagram: "instagram" };

function iconOf(handle: HandleView): IconName {
  if (handle.kind !== "social") return handle.kind === "phone" ? "voice" : "email";
  return SOCIAL[handle.label?.toLowerCase() ?? ""] ?? "chat";
}

export function Handle({ handle }: { handle: HandleView }) {
  const marks = [handle.main && "main", handle.label, handle.shared && "shared"].filter(Boolean).join(" · ");
  const source = `${handle.display}. From ${handle.source.replaceAll("_", " ")}, ${fullWhen(handle.added_at)}`;
  return (
    <li class="handle" title={source} data-test="handle" data-value={handle.value}>
      <Icon name={iconOf(handle)} />
      <bdi class="ellipsis ltr">{handle.display}</bdi>
      <span class="handle-marks">
        {handle.opted_out.length > 0
          ? <span class="warn" title={`Opted out of ${handle.opted_out.join(", ")}`}>opted out</span>
          : <>{handle.main && <Icon name="star" size={12} />}{marks}</>}
      </span>
    </li>
  );
}
