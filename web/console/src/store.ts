/** Who is signed in and what is shown. */
import { signal } from "@preact/signals";

export type Role = "agent" | "supervisor" | "admin" | "service";
export interface Me { id: string; name: string; role: Role }

export const VIEWS = ["board", "rules", "versions", "decisions", "queues", "hours", "agents", "skills"] as const;
export type View = (typeof VIEWS)[number];

export const token = signal<string | null>(null);
export const me = signal<Me | null>(null);
export const view = signal<View>("rules");
/** What follows the view in the address, such as a decision. */
export const about = signal<string | null>(null);
export const said = signal<{ text: string; bad: boolean } | null>(null);

export const mayEdit = (): boolean => me.value?.role === "admin";

export function followAddress(): void {
  const read = (): void => {
    const [name, rest] = location.hash.replace(/^#\/?/, "").split("/");
    view.value = VIEWS.find((each) => each === name) ?? "rules";
    about.value = rest ? decodeURIComponent(rest) : null;
  };
  addEventListener("hashchange", read);
  read();
}
