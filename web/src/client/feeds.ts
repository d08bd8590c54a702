import { MAX_RESUME, type EventFrame } from "./protocol";

const KEPT = 64;

/** What to do with an event frame. */
export type Step = "apply" | "old" | "gap" | "unfollowed";

/** Positions in every followed feed, and the newest frames of each for snapshots that come late. */
export class FeedBook {
  readonly #positions = new Map<string, number>();
  readonly #recent = new Map<string, EventFrame[]>();
  epoch: string | undefined;

  position(feed: string): number | undefined {
    return this.#positions.get(feed);
  }

  /** What `hello` says; undefined on a first connection. */
  resume(): { epoch: string; resume: Record<string, number> } | undefined {
    if (this.epoch === undefined || this.#positions.size === 0) return undefined;
    return { epoch: this.epoch, resume: Object.fromEntries([...this.#positions].slice(0, MAX_RESUME)) };
  }

  /** Take the positions of `welcome`. Answers the followed feeds that must be asked for again. */
  welcome(epoch: string, feeds: Record<string, number>): string[] {
    if (epoch !== this.epoch) {
      this.#recent.clear();
      for (const feed of this.#positions.keys()) this.#positions.set(feed, -1);
    }
    this.epoch = epoch;
    const lost: string[] = [];
    for (const [feed, known] of this.#positions) {
      const from = feeds[feed];
      // A customer feed that starts after what this screen has seen misses its middle.
      if (feed.startsWith("customer:") && (from === undefined || from > known)) lost.push(feed);
    }
    for (const [feed, seq] of Object.entries(feeds)) {
      if (feed.startsWith("agent:")) this.#positions.set(feed, seq);
    }
    return lost;
  }

  receive(frame: EventFrame): Step {
    const known = this.#positions.get(frame.feed);
    if (known !== undefined && frame.seq <= known) return "old";
    this.#keep(frame);
    if (known === undefined) return "unfollowed";
    if (frame.seq > known + 1) return "gap";
    this.#positions.set(frame.feed, frame.seq);
    return "apply";
  }

  /**
   * A snapshot stands at `seq`. Answers the frames to apply on top of it: those that overtook it.
   * The position is the last of them, so what is still missing after it shows as a gap.
   */
  snapshot(feed: string, seq: number): { after: EventFrame[]; behind: boolean } {
    const known = this.#positions.get(feed) ?? -1;
    const after: EventFrame[] = [];
    let at = seq;
    for (const frame of this.#recent.get(feed) ?? []) {
      if (frame.seq !== at + 1) continue;
      after.push(frame);
      at = frame.seq;
    }
    this.#positions.set(feed, at);
    return { after, behind: at < known };
  }

  forget(feed: string): void {
    this.#positions.delete(feed);
    this.#recent.delete(feed);
  }

  clear(): void {
    this.#positions.clear();
    this.#recent.clear();
    this.epoch = undefined;
  }

  #keep(frame: EventFrame): void {
    const frames = this.#recent.get(frame.feed) ?? [];
    const last = frames.at(-1);
    if (last && frame.seq <= last.seq) return;
    frames.push(frame);
    if (frames.length > KEPT) frames.shift();
    this.#recent.set(frame.feed, frames);
  }
}
