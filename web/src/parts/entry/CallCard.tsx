import { contentOf } from "../../client/content";
import type { Call, Media } from "../../client/protocol";
import { now } from "../../state/store";
import { course, stateWords } from "../../view/call";
import { length } from "../../view/format";
import type { Shown } from "../../view/rows";
import { Icon } from "../Icon";
import { Files } from "./Files";
import { Player } from "./Player";

/** A call with its course, or a voicemail with its transcript; the recording first. */
export function CallCard({ entry }: { entry: Shown }) {
  const call = contentOf(entry.content, "call");
  if (!call) return <><Files media={entry.media} />{entry.body && <p dir="auto">{entry.body}</p>}</>;
  const transcript = call.transcript ?? (entry.kind === "voicemail" ? entry.body || null : null);
  const steps = course(call);
  return (
    <>
      {call.outcome === null && <Live call={call} />}
      <Recording media={entry.media} seconds={call.recorded_seconds} />
      {transcript && <p class="transcript" dir="auto" data-test="transcript"><span class="small">Transcript, automatic</span>{transcript}</p>}
      {steps.length > 0 && <ol class="course" data-test="course">{steps.map((step) => <li key={step.name}><span>{step.name}</span>{step.text}</li>)}</ol>}
    </>
  );
}

function Recording({ media, seconds }: { media: readonly Media[]; seconds: number | null }) {
  const sound = media.find((file) => file.state === "stored" && file.id !== null && file.content_type.startsWith("audio/"));
  const others = media.filter((file) => file !== sound);
  return <>{sound?.id && <Player id={sound.id} label="recording" seconds={seconds} />}<Files media={others} /></>;
}

function Live({ call }: { call: Call }) {
  const since = call.answered_at ? Date.parse(call.answered_at) : null;
  return (
    <p class="call-live" role="status" data-test="call-live" data-state={call.state}>
      <Icon name="voice" size={14} />
      <b>{stateWords(call)}</b>
      {since !== null && <span class="tabular">{length((now.value - since) / 1000)}</span>}
      {call.recording === "running" && <span class="quiet">recording</span>}
      {call.recording === "paused" && <span class="warn">recording paused</span>}
    </p>
  );
}
