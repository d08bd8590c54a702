import { useLayoutEffect, useRef } from "preact/hooks";
import type { OpenProfile } from "../state/profile";
import { focusNext } from "../state/store";
import { handleOf, whyUnknown } from "../view/format";
import { Avatar } from "./Avatar";

const WHY = { shared: ", shared handle", unproven: ", not proven", withheld: "" };

/** Somebody on a shared handle, until an agent says who it is. Nobody's history is guessed. */
export function UnknownHeader({ open }: { open: OpenProfile }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const focus = focusNext.value;
  useLayoutEffect(() => {
    if (focus !== "name") return;
    heading.current?.focus();
    focusNext.value = null;
  }, [focus, open.id]);
  return (
    <header class="who">
      <div class="who-top">
        <Avatar id={open.id} name={null} size="l" />
        <div class="grow">
          <h1 tabIndex={-1} ref={heading} data-test="customer-name">Not known yet</h1>
          <p class="who-sub"><bdi class="ltr">{handleOf(open) ?? "A handle"}</bdi>{WHY[whyUnknown(open)]}</p>
        </div>
      </div>
    </header>
  );
}
