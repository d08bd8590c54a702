import type { Code } from "../state/definitions";

interface Props { codes: readonly Code[]; chosen: string | null; choose: (id: string | null) => void }

/** How the contact ended: one of these. Arrows move, and the digits choose outside text fields. */
export function DispositionCodes({ codes, chosen, choose }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".code")];
    const next = all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length];
    next?.focus();
    next?.click();
  };
  const first = chosen ?? codes[0]?.id;
  return (
    <div class="codes" role="radiogroup" aria-label="How it ended" data-test="codes" onKeyDown={onKeyDown}>
      {codes.map(({ id, label, group }, at) => (
        <button
          type="button" role="radio" key={id} class="code" aria-checked={chosen === id} tabIndex={id === first ? 0 : -1} title={group ? `${group} / ${label}` : label}
          data-test="code" data-code={id} onClick={() => choose(id)}
        >
          <span class="ellipsis">{label}{group && <span class="quiet small"> {group}</span>}</span>
          {at < 9 && <kbd>{at + 1}</kbd>}
        </button>
      ))}
    </div>
  );
}
