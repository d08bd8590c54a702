import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { reachable } from "../state/store";
import type { Act } from "../view/useAct";
import { Problem } from "./Problem";

/** A form in its place: Enter saves, Escape leaves, the error stays below what was typed. */
export function InlineForm({ act, label, verb = "Save", ready = true, onSubmit, onCancel, children, more, problem, test }: {
  act: Act; label: string; verb?: string; ready?: boolean; onSubmit: () => void; onCancel: () => void; children: ComponentChildren;
  more?: ComponentChildren; problem?: ComponentChildren; test: string;
}) {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>("input, textarea, select")?.focus();
  }, []);
  // The button that was pressed could not keep the focus while it waited. Before anybody sees the problem: Escape has to
  // reach the form from the moment it stands there.
  useLayoutEffect(() => {
    if (act.problem && !form.current?.contains(document.activeElement)) form.current?.querySelector<HTMLElement>("input, textarea, select")?.focus();
  }, [act.problem]);
  const can = ready && reachable.value && !act.busy;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onCancel();
  };
  return (
    <form class="inline-form" ref={form} aria-label={label} data-test={test} onKeyDown={onKeyDown}
      onSubmit={(event) => { event.preventDefault(); if (can) onSubmit(); }}>
      {children}
      {problem ?? (act.problem && <Problem text={act.problem} />)}
      <div class="inline-actions">
        <button type="submit" class="button primary small" disabled={!can} data-test={`${test}-save`}>{act.busy ? "Saving" : verb}</button>
        <button type="button" class="button quiet small" data-test={`${test}-cancel`} onClick={onCancel}>Cancel</button>
        {more}
      </div>
    </form>
  );
}
