/** What is said, as it is said: one long answer, begun again from the last line whenever it breaks. */

import { Later, Over, type Api, type Line } from "./api";
import { inOrder } from "./lines";

const SILENT_MS = 45_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** Links to files are good for an hour, and a stream lasts up to 45 minutes. */
const LINKS_MS = 10 * 60_000;

export interface Heard {
  line(line: Line): void;
  typing(): void;
  connected(is: boolean): void;
}

export class Stream {
  private after: string | undefined;
  private place = "";
  private wholeAt = 0;
  private wait = FIRST_WAIT_MS;
  private running?: AbortController;
  private timer?: number;

  constructor(
    private readonly api: Api,
    private readonly heard: Heard,
  ) {}

  /** Listen, now; harmless while listening. */
  start(): void {
    clearTimeout(this.timer);
    if (this.running) return;
    const run = (this.running = new AbortController());
    this.listen(run)
      .catch((error: unknown) => {
        if (error instanceof Over && this.running === run) this.stop();
        else if (error instanceof Later && error.seconds) this.wait = error.seconds * 1000;
      })
      .finally(() => this.ended(run));
  }

  stop(): void {
    clearTimeout(this.timer);
    const run = this.running;
    this.running = undefined;
    run?.abort();
  }

  /** From the beginning: somebody else listens. */
  restart(): void {
    this.stop();
    this.after = undefined;
    this.place = "";
    this.start();
  }

  private ended(run: AbortController): void {
    if (this.running !== run) return;
    this.running = undefined;
    this.heard.connected(false);
    this.timer = window.setTimeout(() => this.start(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  private async listen(run: AbortController): Promise<void> {
    let watch = window.setTimeout(() => run.abort(), SILENT_MS);
    try {
      if (Date.now() - this.wholeAt > LINKS_MS) this.after = undefined;
      if (!this.after) this.wholeAt = Date.now();
      const answer = await this.api.listen(this.after, run.signal);
      const reader = answer.body!.getReader();
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.running !== run) return;
        clearTimeout(watch);
        watch = window.setTimeout(() => run.abort(), SILENT_MS);
        const frames = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = frames.pop()!;
        frames.forEach((frame) => this.take(frame));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  private take(frame: string): void {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
    if (event === "line") {
      const line = JSON.parse(data!) as Line;
      if (inOrder(this.place, line.place) <= 0) [this.after, this.place] = [line.id, line.place];
      this.heard.line(line);
    } else if (event === "typing") this.heard.typing();
    else if (event === "ready") {
      this.wait = FIRST_WAIT_MS;
      this.heard.connected(true);
    }
  }
}
