/** What a reply may be on its channel, told before it is sent. Pure; the server decides by the same limits. */
import type { Media, ReplyLimits } from "../client/protocol";
import { MAX_TEXT } from "../client/protocol";
import { CHANNEL_WORDS, type Route } from "../state/route";
import { bytes } from "./content";

/** Under this much time left the window is told. */
const SOON_SECONDS = 2 * 3600;

export const mostCharacters = (limits: ReplyLimits | null | undefined): number => limits?.most_characters ?? MAX_TEXT;

/** Seconds until the window closes; null where there is none. */
export function secondsOpen(route: Route | undefined, limits: ReplyLimits | null | undefined, now: number): number | null {
  if (!route || limits?.window_seconds == null) return null;
  return route.closesAt ? Math.floor((Date.parse(route.closesAt) - now) / 1000) : -1;
}

export function windowWords(route: Route, limits: ReplyLimits, left: number): string | null {
  const word = CHANNEL_WORDS[route.channel];
  if (left > SOON_SECONDS) return null;
  if (left > 0) return `${word} takes your own words for another ${span(left)}`;
  return limits.templates ? `${word}’s time for your own words is over: only a template reaches them` : `${word}’s time to answer is over until they write again`;
}

function span(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function takes(limits: ReplyLimits, type: string): boolean {
  return limits.file_types.length === 0 || limits.file_types.includes(type) || limits.file_types.includes(`${type.split("/")[0]}/*`);
}

/** Why a file cannot go this way, or null. */
export function fileProblem(file: Pick<Media, "content_type" | "size">, limits: ReplyLimits | null | undefined, word: string): string | null {
  if (!limits || limits.most_files === 0) return `${word} takes no files`;
  if (!takes(limits, file.content_type)) return `${word} does not take files of this kind (${file.content_type || "unknown"})`;
  if ((file.size ?? 0) > limits.most_file_bytes) return `${word} takes files up to ${bytes(limits.most_file_bytes)}`;
  return null;
}
