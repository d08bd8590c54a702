import type { ClientFrame, ErrorFrame, Profile, ResultFrame, ServerFrame } from "./protocol";

export type Answer = ResultFrame | Profile;

/** The server refused; `frame` says why and what to do. */
export class Refused extends Error {
  constructor(readonly frame: ErrorFrame) {
    super(frame.message);
  }
}

/** The connection broke before an answer came: whether it was done is not known. */
export class Lost extends Error {}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Matches answers to the frames that asked, by `ref`. */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  ask(frame: ClientFrame, send: (frame: ClientFrame) => boolean): Promise<Answer> {
    const ref = frame.ref ?? `r${++this.#last}`;
    return new Promise((resolve, reject) => {
      if (!send({ ...frame, ref })) return reject(new Lost("Not connected."));
      this.#waiting.set(ref, { resolve, reject });
    });
  }

  settle(frame: ServerFrame): void {
    if (frame.type !== "result" && frame.type !== "error" && frame.type !== "profile") return;
    if (!frame.ref) return;
    const waiting = this.#waiting.get(frame.ref);
    if (!waiting) return;
    this.#waiting.delete(frame.ref);
    if (frame.type === "error") waiting.reject(new Refused(frame));
    else waiting.resolve(frame);
  }

  lose(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(new Lost("The connection broke."));
  }
}
