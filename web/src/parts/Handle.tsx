import { useState } from "preact/hooks";
import type { HandleView, Id } from "../client/protocol";
import { changeHandle, removeHandle, type HandleChange } from "../state/edits";
import { attempt } from "../state/desk";
import { reachable } from "../state/store";
import { fullWhen } from "../view/format";
import type { IconName } from "../view/icons";
import { useAct } from "../view/useAct";
import { Icon } from "./Icon";
import { InlineForm } from "./InlineForm";
import { Menu } from "./Menu";

const SOCIAL: Record<string, IconName> = {
  whatsapp: "whatsapp", messenger: "messenger", instagram: "instagram",
  telegram: "telegram", line: "line", x: "x", viber: "viber", slack: "slack", generic: "generic",
};

function iconOf(handle: HandleView): IconName {
  if (handle.kind !== "social") return handle.kind === "phone" ? "voice" : "email";
  return SOCIAL[handle.scope.split(/[:/]/)[0]!] ?? SOCIAL[handle.label?.toLowerCase() ?? ""] ?? "chat";
}

export function Handle({ customer, handle }: { customer: Id; handle: HandleView }) {
  const [labelling, setLabelling] = useState(false);
  const proven = handle.verified ? "proven by its channel" : "claimed, not proven";
  const source = `${handle.display}, ${proven}. From ${handle.source.replaceAll("_", " ")}, ${fullWhen(handle.added_at)}`;
  if (labelling) return <LabelForm handle={handle} onClose={() => setLabelling(false)} />;
  return (
    <li class="handle" title={source} data-test="handle" data-value={handle.value}>
      <Icon name={iconOf(handle)} />
      <bdi class="ellipsis ltr">{handle.display}</bdi>
      <span class="handle-marks"><Marks handle={handle} /></span>
      <HandleMenu customer={customer} handle={handle} onLabel={() => setLabelling(true)} />
    </li>
  );
}

function Marks({ handle }: { handle: HandleView }) {
  if (handle.opted_out.length > 0) return <span class="warn" title={`Opted out of ${handle.opted_out.join(", ")}`}>opted out</span>;
  // The star says main; the word stands where nothing else does.
  const words = [handle.label ?? (handle.main && "main"), handle.shared && "shared", !handle.textable && "no texts", handle.leaf && "merged"];
  const said = words.filter(Boolean).join(" · ");
  return (
    <>
      {handle.main && <Icon name="star" size={12} />}
      {said && <span class="ellipsis" title={handle.main ? `main · ${said}` : said}>{said}</span>}
      {!handle.verified && <span class="warn">claimed</span>}
    </>
  );
}

function HandleMenu({ customer, handle, onLabel }: { customer: Id; handle: HandleView; onLabel: () => void }) {
  const change = (to: HandleChange) => void attempt(changeHandle(handle.id, to));
  const choices: [string, string, () => void][] = [
    ...(handle.main ? [] : [["main", "Make it the main one", () => change({ main: true })] as [string, string, () => void]]),
    ["label", handle.label ? "Change its label" : "Give it a label", onLabel],
    ["shared", handle.shared ? "Only this customer’s" : "Shared by several people", () => change(handle.shared ? { shared: false, customer } : { shared: true })],
    ...(handle.kind === "phone" ? [["textable", handle.textable ? "Takes no texts" : "Takes texts", () => change({ textable: !handle.textable })] as [string, string, () => void]] : []),
    ["remove", "Remove", () => void attempt(removeHandle(handle.id))],
  ];
  return (
    <Menu label={`Change ${handle.display}`} button={<Icon name="more" size={14} />} buttonClass="row-more" test="handle-menu" align="end" disabled={!reachable.value}>
      {(close) => choices.map(([test, words, act]) => (
        <button type="button" role="menuitem" key={test} class={test === "remove" ? "danger" : ""} data-test={`handle-${test}`} onClick={() => { close(); act(); }}>{words}</button>
      ))}
    </Menu>
  );
}

function LabelForm({ handle, onClose }: { handle: HandleView; onClose: () => void }) {
  const [label, setLabel] = useState(handle.label ?? "");
  const act = useAct();
  return (
    <li class="handle-form">
      <InlineForm act={act} label={`Label of ${handle.display}`} test="label-form" onCancel={onClose}
        onSubmit={() => void act.run(() => changeHandle(handle.id, { label: label.trim() || null }), onClose)}>
        <p class="small quiet"><bdi class="ltr">{handle.display}</bdi></p>
        <input class="field" aria-label="Label" placeholder="mobile, office, home" value={label} maxLength={63} onInput={(event) => setLabel(event.currentTarget.value)} />
      </InlineForm>
    </li>
  );
}
