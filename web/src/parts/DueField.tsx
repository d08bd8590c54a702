/** When a task is due, in the agent's zone. */
export function DueField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <label class="due-field">
      <span>Due</span>
      <input class="field" type="datetime-local" value={value} data-test="task-due" onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

/** An instant as the field shows it. */
export function localOf(at: string | null): string {
  if (!at) return "";
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function instantOf(local: string): string | null {
  const at = local ? new Date(local) : null;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
