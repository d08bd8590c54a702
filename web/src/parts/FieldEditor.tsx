import type { FieldView } from "../view/fields";
import { CHANNELS, valueOf } from "../view/fields";
import { CHANNEL_WORDS } from "../state/route";

interface Props { view: FieldView; draft: string; onDraft: (draft: string) => void }

/** The input for a value of each type. */
export function FieldEditor({ view, draft, onDraft }: Props) {
  const common = { class: "field", "aria-label": view.label, "data-test": "value-input" };
  const onInput = (event: { currentTarget: { value: string } }) => onDraft(event.currentTarget.value);
  if (view.kind === "choice" || view.kind === "yes_no") {
    const options = view.kind === "yes_no" ? [["yes", "Yes"], ["no", "No"]] as const : view.choices.map((each) => [each, each] as const);
    return (
      <select {...common} value={draft} onChange={onInput}>
        <option value="">Not known</option>
        {options.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
      </select>
    );
  }
  if (view.kind === "channels") return <Channels view={view} draft={draft} onDraft={onDraft} />;
  const type = view.kind === "date" ? "date" : view.kind === "link" ? "url" : "text";
  return (
    <>
      <input {...common} type={type} dir="auto" value={draft} autocomplete="off" spellcheck={false} onInput={onInput}
        inputMode={view.kind === "number" || view.kind === "money" ? "decimal" : undefined} placeholder={hint(view)} list={listOf(view)} />
      {view.kind === "zone" && <datalist id="zones">{zones().map((zone) => <option key={zone} value={zone} />)}</datalist>}
    </>
  );
}

function Channels({ view, draft, onDraft }: Props) {
  const chosen = valueOf(draft, "channels") as string[];
  const toggle = (channel: string) =>
    onDraft((chosen.includes(channel) ? chosen.filter((each) => each !== channel) : [...chosen, channel]).join(", "));
  return (
    <fieldset class="choices" aria-label={view.label}>
      {CHANNELS.map((channel) => (
        <label key={channel}><input type="checkbox" checked={chosen.includes(channel)} onChange={() => toggle(channel)} />{CHANNEL_WORDS[channel]}</label>
      ))}
    </fieldset>
  );
}

function hint({ kind, currency }: FieldView): string | undefined {
  return { tags: "vip, trade", zone: "Europe/Lisbon", language: "fr-CA", money: currency ?? undefined, link: "https://" }[kind as string];
}

const listOf = ({ kind }: FieldView): string | undefined => (kind === "zone" ? "zones" : undefined);
const zones = (): string[] => Intl.supportedValuesOf("timeZone");
