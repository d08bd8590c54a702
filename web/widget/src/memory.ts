/** What the browser keeps for this account. A page may forbid it; then it lasts as long as the page. */

const fallback = new Map<string, string>();

export class Memory {
  private readonly space: string;

  constructor(account: string) {
    this.space = `screenpop:${account}:`;
  }

  get<T>(name: string): T | undefined {
    const key = this.space + name;
    let text = fallback.get(key);
    try {
      text ??= localStorage.getItem(key) ?? undefined;
      return text === undefined ? undefined : (JSON.parse(text) as T);
    } catch {
      return undefined; // forbidden, or written by somebody else
    }
  }

  /** `undefined` forgets it. */
  set(name: string, value: unknown): void {
    const key = this.space + name;
    const text = value === undefined ? undefined : JSON.stringify(value);
    fallback.delete(key);
    try {
      if (text === undefined) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch {
      if (text !== undefined) fallback.set(key, text);
    }
  }

  /** All that is kept under names that begin so. */
  all<T>(beginning: string): T[] {
    const names = new Set(fallback.keys());
    try {
      for (let n = 0; n < localStorage.length; n++) names.add(localStorage.key(n)!);
    } catch {
      // forbidden: the page's own remain
    }
    const ours = [...names].filter((name) => name.startsWith(this.space + beginning));
    return ours.map((name) => this.get<T>(name.slice(this.space.length))).filter((value): value is T & {} => value !== undefined);
  }
}
