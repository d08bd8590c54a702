import { MAX_TEXT, type Channel } from "../client/protocol";
import { segments } from "../client/segments";
import { plural } from "../view/format";

/** For SMS what it will cost; for the rest only when the limit is near. */
export function TextCount({ text, channel, most = MAX_TEXT }: { text: string; channel: Channel | undefined; most?: number }) {
  if (!text) return <span />;
  if (channel === "sms") {
    const { encoding, units, segments: parts, room } = segments(text);
    const unusual = encoding === "UCS-2";
    return (
      <span class="text-count" data-test="text-count" data-segments={parts} data-encoding={encoding}
        title={unusual ? "A character outside the SMS alphabet shortens each segment to 70" : undefined}>
        {units} of {room}, {plural(parts, "segment")}{unusual && ", Unicode"}
      </span>
    );
  }
  if (text.length < most * 0.8) return <span />;
  return <span class={`text-count ${text.length > most ? "warn" : ""}`} data-test="text-count">{text.length} of {most}</span>;
}
