import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  label: string;
  button: ComponentChildren;
  buttonClass: string;
  test: string;
  align?: "start" | "end";
  up?: boolean;
  disabled?: boolean;
  children: (close: () => void) => ComponentChildren;
}

/** A button with a menu of `role=menuitem` buttons: arrows move, Escape gives the focus back. */
export function Menu({ label, button, buttonClass, test, align = "start", up, disabled, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    trigger.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    items(root.current)[0]?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Tab") setOpen(false);
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = items(root.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button" class={buttonClass} ref={trigger} aria-haspopup="menu" aria-expanded={open} aria-label={label}
        title={label} disabled={disabled} data-test={test} onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && <div class={`menu-list at-${align} ${up ? "upward" : ""}`} role="menu" aria-label={label}>{children(close)}</div>}
    </div>
  );
}

function items(root: HTMLElement | null): HTMLElement[] {
  return [...(root?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? [])];
}
