import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";

/** An error in the place that failed. */
export function Problem({ text, children }: { text?: string; children?: ComponentChildren }) {
  return (
    <div class="inline-error small" role="alert" data-test="problem">
      <Icon name="alert" size={14} />
      <div class="grow">{text}{children}</div>
    </div>
  );
}
