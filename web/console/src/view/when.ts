/** Times as people here read them. */
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const SECOND = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const clockTime = (at: string): string => TIME.format(new Date(at));
export const toTheSecond = (at: string | number): string => SECOND.format(new Date(at));
/** The day too, unless it is today. */
export function dayTime(at: string, now = Date.now()): string {
  const then = new Date(at);
  return then.toDateString() === new Date(now).toDateString() ? TIME.format(then) : `${DAY.format(then)}, ${TIME.format(then)}`;
}

/** How long: 0:42, 8:41, 46 min, 3 h, 2 d. */
export function lasting(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
