import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { reachable } from "../state/store";
import { Icon } from "./Icon";

/** A part of the details: a heading, what it holds, and how to add to it. */
export function Section({ id, title, note, children, add, addLabel }: {
  id: string; title: string; note?: ComponentChildren; children: ComponentChildren;
  add?: (close: () => void) => ComponentChildren; addLabel?: string;
}) {
  const [adding, setAdding] = useState(false);
  return (
    <section class="section" aria-labelledby={`section-${id}`} data-test={`section-${id}`}>
      <h2>
        <span class="section-title" id={`section-${id}`}>{title}</span>
        {note !== undefined && <span>{note}</span>}
        {add && (
          <button type="button" class="section-add" aria-label={addLabel} title={addLabel} aria-expanded={adding} disabled={!reachable.value}
            data-test={`add-${id}`} onClick={() => setAdding(!adding)}>
            <Icon name={adding ? "close" : "plus"} />
          </button>
        )}
      </h2>
      {adding && add!(() => setAdding(false))}
      {children}
    </section>
  );
}
