import type { ComponentChildren } from "preact";
import { Icon } from "../../../src/parts/Icon";

export function Page({ title, note, acts, problem, children }: {
  title: string; note?: ComponentChildren; acts?: ComponentChildren; problem?: string | null; children: ComponentChildren;
}) {
  return (
    <>
      <header class="page-head"><h1>{title}</h1><span class="small quiet grow ellipsis">{note}</span>{acts}</header>
      <div class="page-body">
        {problem && <div class="inline-error" role="alert" data-test="problem"><Icon name="alert" /><span>{problem}</span></div>}
        {children}
      </div>
    </>
  );
}
