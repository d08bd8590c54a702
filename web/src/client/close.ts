/** What a close code asks of the screen. The ranges are part of the protocol; the reason carries the code's name. */
export type Verdict = { reconnect: true } | { reconnect: false; signedOut: boolean; why: string };

const SIGNED_OUT = 4401;

const SENTENCES: Record<number, string> = {
  4400: "This page and the server do not understand each other. Reload it.",
  [SIGNED_OUT]: "Your token was withdrawn or has expired. Sign in with a new one.",
  4409: "The desk was opened on more screens than allowed; this is the oldest.",
  4429: "This screen sent more than it may.",
};

export function verdict(code: number, reason: string): Verdict {
  if (code < 4000 || code >= 4500) return { reconnect: true };
  const why = SENTENCES[code] ?? sentence(reason) ?? `The server closed this screen (code ${code}).`;
  return { reconnect: false, signedOut: code === SIGNED_OUT, why };
}

function sentence(reason: string): string | null {
  const words = reason.trim().replaceAll("_", " ");
  if (!words) return null;
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
