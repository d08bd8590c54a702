import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { MAX_TASK, MAX_TEXT, type ReplyLimits } from "../client/protocol";
import { accounts } from "../state/accounts";
import { draftOf, setDraft, type Mode } from "../state/drafts";
import { mode, post, postTask, typing } from "../state/compose";
import { refusals, setRefusal } from "../state/outbox";
import type { Whom } from "../state/people";
import { replyConversation, type OpenProfile } from "../state/profile";
import { CHANNEL_WORDS, routes, type Route } from "../state/route";
import { agent, focusNext, minute, reachable } from "../state/store";
import { takeFiles, uploadsOf, type Upload } from "../state/uploads";
import { fileProblem, mostCharacters, secondsOpen, windowWords } from "../view/limits";
import { SEND_KEY } from "../view/platform";
import { uuid } from "../client/uuid";
import { AssigneeField } from "./AssigneeField";
import { ChannelPicker } from "./ChannelPicker";
import { DueField, instantOf } from "./DueField";
import { Icon } from "./Icon";
import { AttachButton, ReplyFiles } from "./ReplyFiles";
import { NO_TEMPLATE, TemplateFields } from "./TemplateFields";
import { TextCount } from "./TextCount";

const TALLEST_PX = 220;

export function ReplyBox({ open }: { open: OpenProfile }) {
  const customer = open.id;
  const choices = routes(open.timeline, open.customer?.handles ?? []);
  const [due, setDue] = useState("");
  const [whom, setWhom] = useState<Whom | null>(null);
  const [busy, setBusy] = useState(false);
  const forWhom: Whom = whom ?? `agent:${agent.value?.id ?? ""}`;
  const task = useRef(uuid());
  const [picked, setPicked] = useState<Route | null>(null);
  const [subject, setSubject] = useState("");
  const [template, setTemplate] = useState(NO_TEMPLATE);
  const chosen = choices.find((each) => picked && each.channel === picked.channel && each.to === picked.to) ?? choices[0];
  const text = draftOf(customer, mode.value);
  const field = useRef<HTMLTextAreaElement>(null);
  const conversation = replyConversation(open.conversations);
  const answering = mode.value === "reply";
  const limits = answering && chosen?.account ? accounts.value.get(chosen.account)?.limits : null;
  const left = answering ? secondsOpen(chosen, limits, minute.value) : null;
  const late = left !== null && left <= 0;
  const byTemplate = late && limits?.templates === true;
  const files = answering ? uploadsOf(customer) : [];
  const word = chosen ? CHANNEL_WORDS[chosen.channel] : "";
  const why = hindrance(mode.value, Boolean(conversation), chosen)
    ?? (late && !byTemplate && chosen && limits ? windowWords(chosen, limits, 0) : null)
    ?? filesHindrance(files, limits, word);
  const most = mode.value === "task" ? MAX_TASK : answering ? Math.min(MAX_TEXT, mostCharacters(limits)) : MAX_TEXT;
  const said = byTemplate ? template.name.trim() !== "" : text.trim() !== "" || files.length > 0;
  const ready = reachable.value && !why && !busy && said && text.length <= most;

  useLayoutEffect(() => grow(field.current), [text, mode.value, customer]);
  const focus = focusNext.value;
  useLayoutEffect(() => {
    if (focus !== "reply") return;
    field.current?.focus({ preventScroll: true });
    focusNext.value = null;
  }, [focus, customer]);

  const submit = () => {
    if (!ready) return;
    if (mode.value === "task") return void addTask();
    if (!conversation) return;
    const attachments = answering && !byTemplate ? takeFiles(customer).flatMap((each) => each.id ?? []) : [];
    post(customer, conversation.id, byTemplate ? "" : text, answering ? chosen : undefined, {
      ...(attachments.length > 0 && { attachments }), ...(byTemplate && { template }), ...(limits?.subject && subject.trim() && { subject: subject.trim() }),
    });
    setSubject("");
    setTemplate(NO_TEMPLATE);
  };
  const addTask = async () => {
    setBusy(true);
    // The same task again, until it is known to be recorded.
    const done = await postTask({ customer, body: text, due: instantOf(due), whom: forWhom, conversation: conversation?.id, id: task.current });
    setBusy(false);
    if (!done) return;
    task.current = uuid();
    setDue("");
    setWhom(null);
  };
  const onInput = (value: string) => {
    setDraft(customer, mode.value, value);
    if (conversation && value.trim() && mode.value !== "task" && (!answering || chosen)) typing(conversation.id, answering ? chosen : undefined);
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
            to <b><bdi class="ltr">{chosen.display}</bdi></b> <span class={chosen.blocked ? "warn" : "quiet"}>· {chosen.blocked ?? (open.customer ? `chosen because ${picked ? "you picked it" : chosen.why}` : "you can answer before you know who it is")}</span>
          </span>
        )}
        {mode.value === "reply" && !chosen && <span class="reply-why warn">No handle can be written to</span>}
        {mode.value === "note" && <span class="reply-why note-word"><Icon name="note" size={14} />Only colleagues see a note</span>}
        {mode.value === "task" && <span class="reply-why task-terms"><AssigneeField value={forWhom} onChange={setWhom} /><DueField value={due} onChange={setDue} /></span>}
        <Tabs />
      </div>
      <Refusal customer={customer} />
      {left !== null && chosen && limits && windowWords(chosen, limits, left) && <p class="reply-window warn" role="status" data-test="reply-window"><Icon name="clock" size={14} />{windowWords(chosen, limits, left)}</p>}
      {limits?.subject && <input class="reply-subject" value={subject} maxLength={500} aria-label="Subject" placeholder="Subject, empty to answer under theirs" data-test="reply-subject" onInput={(event) => setSubject(event.currentTarget.value)} />}
      {byTemplate ? <TemplateFields value={template} onChange={setTemplate} /> : <textarea
        ref={field} rows={2} dir="auto" data-test={`${mode.value}-text`} value={text} maxLength={MAX_TEXT}
        aria-label={WORDS[mode.value][0]} placeholder={WORDS[mode.value][1]}
        onInput={(event) => onInput(event.currentTarget.value)} onKeyDown={onKeyDown}
      />}
      {answering && !byTemplate && <ReplyFiles customer={customer} limits={limits} word={word} />}
      <div class="reply-foot">
        {answering && !byTemplate && <AttachButton customer={customer} limits={limits} />}
        <TextCount text={text} channel={answering ? chosen?.channel : undefined} most={most} />
        <span class="push small quiet" data-test="send-state">{!reachable.value ? "Kept until connected" : text.length > most ? `At most ${most} characters` : said ? why : null}</span>
        <button type="button" class="button primary" disabled={!ready} data-test="send" onClick={submit}>
          {WORDS[mode.value][2]}<kbd>{SEND_KEY}</kbd>
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
  return <span class="tabs" role="tablist" aria-label="Reply, note or task">{tab("reply", "Reply", "R")}{tab("note", "Note", "I")}{tab("task", "Task", "K")}</span>;
}

function Refusal({ customer }: { customer: string }) {
  const refused = refusals.value[customer];
  if (!refused) return null;
  const kept = draftOf(customer, refused.mode) === refused.text;
  return (
    <div class="inline-error" role="alert" data-test="reply-error">
      <Icon name="alert" />
      <span class="grow"><b>{refused.mode === "task" ? "Not added." : "Not sent."}</b> {refused.message} {!kept && <span class="block quiet">Your text: “{refused.text}”</span>}</span>
      <button type="button" class="button quiet square small" aria-label="Dismiss" onClick={() => setRefusal(customer, null)}><Icon name="close" size={14} /></button>
    </div>
  );
}

const WORDS: Record<Mode, [string, string, string]> = {
  reply: ["Reply", "Write a reply", "Send"],
  note: ["Note", "Write a note for colleagues", "Add note"],
  task: ["Task", "What is to be done", "Add task"],
};

function hindrance(which: Mode, hasConversation: boolean, route: Route | undefined): string | null {
  if (which === "task") return null;
  if (!hasConversation) return "A reply needs a conversation; none has begun";
  if (which === "note") return null;
  if (!route) return "No handle can be written to";
  return route.blocked ? "Choose another channel" : null;
}

function filesHindrance(files: readonly Upload[], limits: ReplyLimits | null | undefined, word: string): string | null {
  if (files.length === 0) return null;
  if (files.some((each) => each.problem !== null)) return "Remove the file that was not taken";
  if (limits && files.length > limits.most_files) return `${word} takes at most ${limits.most_files} files`;
  const problem = files.map((each) => fileProblem(each, limits, word)).find((each) => each !== null);
  return problem ?? (files.some((each) => each.id === null) ? "A file is still being sent up" : null);
}

function grow(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, TALLEST_PX)}px`;
}
