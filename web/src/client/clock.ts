/** The server's clock as seen from here: countdowns stay right on a machine whose clock is not. */
export class ServerClock {
  #offset = 0;

  set(serverNow: string, localNow: number): void {
    const parsed = Date.parse(serverNow);
    if (Number.isFinite(parsed)) this.#offset = parsed - localNow;
  }

  /** Milliseconds of the server's clock. */
  now(localNow: number): number {
    return localNow + this.#offset;
  }

  /** Milliseconds left until an instant of the server, never below zero. */
  left(until: string, localNow: number): number {
    return Math.max(0, Date.parse(until) - this.now(localNow));
  }
}
