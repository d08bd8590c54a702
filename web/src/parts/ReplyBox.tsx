import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { MAX_TEXT } from "../client/protocol";
import { draftOf, setDraft, type Mode } from "../state/drafts";
import { mode, post } from "../state/compose";
import { refusals, setRefusal } from "../state/outbox";
import { replyConversation, type OpenProfile } from "../state/profile";
import { routes, type Route } from "../state/route";
import { focusNext, reachable } from "../state/store";
import { SEND_KEY } from "../view/platform";
import { ChannelPicker } from "./ChannelPicker";
import { Icon } from "./Icon";
import { TextCount } from "./TextCount";

const TALLEST_PX = 220;

export function ReplyBox({ open }: { open: OpenProfile }) {
  const customer = open.customer.id;
  const choices = routes(open.timeline, open.customer.handles);
  const [picked, setPicked] = useState<Route | null>(null);
  const chosen = choices.find((each) => picked && each.channel === picked.channel && each.to === picked.to) ?? choices[0];
  const text = draftOf(customer, mode.value);
  const field = useRef<HTMLTextAreaElement>(null);
  const conversation = replyConversation(open.conversations);
  const why = hindrance(mode.value, Boolean(conversation), chosen);
  const ready = reachable.value && !why && text.trim() !== "" && text.length <= MAX_TEXT;

  useEffect(() => { mode.value = "reply"; }, [customer]);
  useLayoutEffect(() => grow(field.current), [text, mode.value, customer]);
  const focus = focusNext.value;
  useLayoutEffect(() => {
    if (focus !== "reply") return;
    field.current?.focus({ preventScroll: true });
    focusNext.value = null;
  }, [focus, customer]);

  const submit = () => {
    if (!ready || !conversation) return;
    post(customer, conversation.id, text, mode.value === "reply" ? chosen : undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    }
    if (event.key === "Escape") field.current?.blur();
  };
  return (
    <div class={`reply ${mode.value}`} data-test="reply-box" data-mode={mode.value}>
      <div class="reply-head">
        {mode.value === "reply" && chosen && <ChannelPicker routes={choices} chosen={chosen} onChoose={setPicked} />}
        {mode.value === "reply" && chosen && (
          <span class="reply-why" title={`to ${chosen.display}`} data-test="reply-why">
            to <b><bdi class="ltr">{chosen.display}</bdi></b> <span class={chosen.blocked ? "warn" : "quiet"}>· {chosen.blocked ?? `chosen because ${picked ? "you picked it" : chosen.why}`}</span>
          </span>
        )}
        {mode.value === "reply" && !chosen && <span class="reply-why warn">No handle can be written to</span>}
        {mode.value === "note" && <span class="reply-why note-word"><Icon name="note" size={14} />Only colleagues see a note</span>}
        <Tabs />
      </div>
      <Refusal customer={customer} />
      <textarea
        ref={field} rows={2} dir="auto" data-test={mode.value === "reply" ? "reply-text" : "note-text"} value={text} maxLength={MAX_TEXT}
        aria-label={mode.value === "reply" ? "Reply" : "Note"} placeholder={mode.value === "reply" ? "Write a reply" : "Write a note for colleagues"}
        onInput={(event) => setDraft(customer, mode.value, event.currentTarget.value)} onKeyDown={onKeyDown}
      />
      <div class="reply-foot">
        <TextCount text={text} channel={mode.value === "reply" ? chosen?.channel : undefined} />
        <span class="push small quiet" data-test="send-state">{!reachable.value ? "Kept until connected" : text.trim() ? why : null}</span>
        <button type="button" class="button primary" disabled={!ready} data-test="send" onClick={submit}>
          {mode.value === "reply" ? "Send" : "Add note"}<kbd>{SEND_KEY}</kbd>
        </button>
      </div>
    </div>
  );
}

function Tabs() {
  const tab = (which: Mode, word: string, key: string) => (
    <button type="button" role="tab" aria-selected={mode.value === which} title={`${word} (${key})`} data-test={`mode-${which}`}
      onClick={() => { mode.value = which; focusNext.value = "reply"; }}>{word}</button>
  );
  return <span class="tabs" role="tablist" aria-label="Reply or note">{tab("reply", "Reply", "R")}{tab("note", "Note", "I")}</span>;
}

function Refusal({ customer }: { customer: string }) {
  const refused = refusals.value[customer];
  if (!refused) return null;
  const kept = draftOf(customer, refused.mode) === refused.text;
  return (
    <div class="inline-error" role="alert" data-test="reply-error">
      <Icon name="alert" />
      <span class="grow"><b>Not sent.</b> {refused.message} {!kept && <span class="block quiet">Your text: “{refused.text}”</span>}</span>
      <button type="button" class="button quiet square small" aria-label="Dismiss" onClick={() => setRefusal(customer, null)}><Icon name="close" size={14} /></button>
    </div>
  );
}

function hindrance(which: Mode, hasConversation: boolean, route: Route | undefined): string | null {
  if (!hasConversation) return "A reply needs a conversation; none has begun";
  if (which === "note") return null;
  if (!route) return "No handle can be written to";
  return route.blocked ? "Choose another channel" : null;
}

function grow(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, TALLEST_PX)}px`;
}
