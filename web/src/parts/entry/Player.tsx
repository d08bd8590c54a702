import { useEffect, useRef, useState } from "preact/hooks";
import { fileAddress } from "../../state/files";
import { length } from "../../view/format";
import { useAct } from "../../view/useAct";
import { Icon } from "../Icon";

const SPEEDS = [1, 1.5, 2] as const;

/** Sound of a call, voicemail or voice message. It is fetched when first played. */
export function Player({ id, label, seconds = null }: { id: string; label: string; seconds?: number | null }) {
  const sound = useRef<HTMLAudioElement | null>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [total, setTotal] = useState(seconds);
  const [speed, setSpeed] = useState(0);
  const act = useAct();
  useEffect(() => () => sound.current?.pause(), []);
  const load = async () => {
    const audio = new Audio(await fileAddress(id));
    audio.ontimeupdate = () => setAt(audio.currentTime);
    audio.ondurationchange = () => Number.isFinite(audio.duration) && setTotal(audio.duration);
    audio.onplay = () => setPlaying(true);
    audio.onpause = () => setPlaying(false);
    sound.current = audio;
    return audio;
  };
  const toggle = () => act.run(async () => {
    const audio = sound.current ?? await load();
    if (!audio.paused) return audio.pause();
    audio.playbackRate = SPEEDS[speed]!;
    await audio.play();
  });
  const faster = () => {
    const next = (speed + 1) % SPEEDS.length;
    setSpeed(next);
    if (sound.current) sound.current.playbackRate = SPEEDS[next]!;
  };
  const seek = (event: Event) => {
    const to = Number((event.currentTarget as HTMLInputElement).value);
    if (sound.current) sound.current.currentTime = to;
    setAt(to);
  };
  return (
    <div class="player" data-test="player">
      <button type="button" class="play" aria-label={`${playing ? "Pause" : "Play"} ${label}`} disabled={act.busy} onClick={() => void toggle()}>
        <Icon name={playing ? "pause" : "play"} size={14} />
      </button>
      <input type="range" min={0} max={total ?? 0} step={0.1} value={at} aria-label={`Position in ${label}`} disabled={!sound.current} onInput={seek} />
      <span class="small quiet tabular">{at > 0 && `${length(at)} / `}{total === null ? "" : length(total)}</span>
      <button type="button" class="button quiet small" aria-label="Speed" onClick={faster}>{SPEEDS[speed]}×</button>
      {act.problem && <span class="warn small" role="alert">{act.problem}</span>}
    </div>
  );
}
