/** What Twilio gives as the number of who withholds theirs: words on a keypad. https://www.twilio.com/docs/voice/twiml#request-parameters */
const WITHHELD = new Set(["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283"]);
/** Who only claims an address hangs on one of ours that means nobody. */
const CLAIMED = /^nobody(?:\+(.+)=([^=]+)|\+.*)?@unproven\.invalid$/;

/** A handle as a profile writes it, where only its value is known: +1 415-555-0123. */
export function displayHandle(value: string): string {
  if (isWithheld(value)) return "Number withheld";
  const claimed = CLAIMED.exec(value);
  if (claimed) return claimed[1] ? `${claimed[1]}@${claimed[2]}` : "Unproven sender";
  return value.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1-$2-$3");
}

/** Whether it is a number that reaches nobody. */
export const isWithheld = (value: string): boolean => WITHHELD.has(value);

/** Whether a mail only claims to be from this address. */
export const isClaimed = (value: string): boolean => CLAIMED.test(value);
