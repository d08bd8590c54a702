import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A question before something that others notice. The platform's dialog traps the focus and gives it back. */
export function Confirm({ title, yes, onYes, onNo, children }: {
  title: string; yes: string; onYes: () => void; onNo: () => void; children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const back = document.activeElement;
    element.current?.showModal();
    return () => { if (back instanceof HTMLElement && back.isConnected) back.focus(); };
  }, []);
  return (
    <dialog class="confirm" ref={element} aria-label={title} onClose={onNo} data-test="confirm">
      <h2>{title}</h2>
      {children}
      <div class="confirm-acts">
        <button type="button" class="button" onClick={onNo}>Cancel</button>
        <button type="button" class="button primary" data-test="confirm-yes" onClick={onYes}>{yes}</button>
      </div>
    </dialog>
  );
}
