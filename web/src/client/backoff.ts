/** Full jitter: any wait up to the doubled step is as likely, so a fleet of screens does not return in one wave. */
export function backoff(attempt: number, random: () => number, base = 500, cap = 30_000): number {
  return Math.round(random() * Math.min(cap, base * 2 ** Math.min(attempt, 16)));
}
