/** What a message holds besides words, as words. Pure. */
import type { Content } from "../client/content";

const CHOICES: Record<string, string> = {
  button: "Pressed a button", list: "Chose from a list", quick_reply: "Chose a quick reply", postback: "Chose from the menu",
  menu: "Chose from the menu", digits: "Pressed",
};

/** A mark above the words: how the message came about. */
export function lead(content: Content): string | null {
  switch (content.type) {
    case "forwarded": return content.many_times ? "Forwarded many times" : "Forwarded";
    case "story": return content.kind === "reply" ? "Answered your story" : "Mentioned you in a story";
    case "choice": return CHOICES[content.kind] ?? "Chose";
    case "voice_note": return "Voice message";
    case "sticker": return "Sticker";
    case "template": return `Template ${content.name}, ${content.language}`;
    default: return null;
  }
}

export function mapAddress(latitude: number, longitude: number): string {
  return `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} bytes`;
  const [amount, unit] = size < 1024 * 1024 ? [size / 1024, "KB"] : [size / 1024 / 1024, "MB"];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

export function fileWord(type: string): string {
  const [family, kind] = type.split("/");
  const word = { image: "Picture", audio: "Recording", video: "Video" }[family ?? ""] ?? "File";
  return kind ? `${word}, ${kind.toUpperCase().split(/[;+]/)[0]}` : word;
}

export const AUTOMATIC_WORDS: Record<string, string> = {
  bounce: "Bounce: it could not be delivered", complaint: "Complaint by the recipient", auto_reply: "Automatic answer", bulk: "Sent to a list",
};

/** A provider's link may be anything; only the web is followed. */
export function safe(url: string | null): string | undefined {
  return url && (/^https?:\/\//i.test(url) || url.startsWith("/")) ? url : undefined;
}
