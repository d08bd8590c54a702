/** How many SMS a text takes, by 3GPP TS 23.038: GSM-7 where every character is in it, else UCS-2. */
const GSM7 =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM7_ESCAPED = "\f^{}\\[~]|€";

export interface Segments {
  encoding: "GSM-7" | "UCS-2";
  units: number;
  segments: number;
  /** Units the present number of segments can hold. */
  room: number;
}

export function segments(text: string): Segments {
  const costs = gsm7Costs(text);
  return costs ? count("GSM-7", costs, 160, 153) : count("UCS-2", ucs2Costs(text), 70, 67);
}

function gsm7Costs(text: string): number[] | null {
  const costs: number[] = [];
  for (const character of text) {
    if (GSM7.includes(character)) costs.push(1);
    else if (GSM7_ESCAPED.includes(character)) costs.push(2);
    else return null;
  }
  return costs;
}

function ucs2Costs(text: string): number[] {
  return Array.from(text, (character) => character.length);
}

function count(encoding: Segments["encoding"], costs: number[], single: number, part: number): Segments {
  const units = costs.reduce((sum, cost) => sum + cost, 0);
  if (units <= single) return { encoding, units, segments: units ? 1 : 0, room: single };
  let parts = 1;
  let filled = 0;
  for (const cost of costs) {
    // An escape pair or surrogate pair is never cut in two.
    if (filled + cost > part) {
      parts += 1;
      filled = 0;
    }
    filled += cost;
  }
  return { encoding, units, segments: parts, room: parts * part };
}
