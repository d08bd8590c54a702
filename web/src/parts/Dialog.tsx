import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { dialog } from "../state/store";

/** The platform's modal dialog: it traps the focus and gives it back. */
export function Dialog({ label, kind, children }: { label: string; kind: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const back = document.activeElement;
    element.current?.showModal();
    return () => {
      if (back instanceof HTMLElement && back.isConnected) back.focus();
    };
  }, []);
  const close = () => { dialog.value = null; };
  return (
    <dialog
      class={`dialog ${kind}`} ref={element} aria-label={label} onClose={close} onCancel={close} data-test={`dialog-${kind}`}
      onClick={(event) => { if (event.target === element.current) close(); }}
    >
      {children}
    </dialog>
  );
}
