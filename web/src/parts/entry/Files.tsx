import { useEffect, useState } from "preact/hooks";
import type { Media } from "../../client/protocol";
import { fileAddress, saveFile } from "../../state/files";
import { bytes, fileWord, safe } from "../../view/content";
import { useAct } from "../../view/useAct";
import { Icon } from "../Icon";
import { Player } from "./Player";

/** Pictures and sound are shown in place, everything else as a file to save. */
export function Files({ media, beside }: { media: readonly Media[]; beside?: boolean }) {
  if (media.length === 0) return null;
  return (
    <ul class={`files ${beside ? "mail-files" : ""}`} data-test="files">
      {media.map((file) => <li key={file.id ?? file.url}><File file={file} listed={beside === true} /></li>)}
    </ul>
  );
}

function File({ file, listed }: { file: Media; listed: boolean }) {
  if (file.state === "pending") return <span class="file-state"><span class="spinner small" />{fileWord(file.content_type)} is being fetched</span>;
  if (file.state === "failed" || file.state === "refused") {
    return <span class="file-state warn"><Icon name="alert" size={14} />{file.name ?? fileWord(file.content_type)}: {file.error ?? "not fetched"}</span>;
  }
  if (!file.id || file.state !== "stored") {
    return <a href={safe(file.url)} target="_blank" rel="noreferrer noopener"><Icon name="link" size={14} />{file.name ?? fileWord(file.content_type)}</a>;
  }
  if (file.content_type.startsWith("audio/")) return <Player id={file.id} label={file.name ?? "Recording"} />;
  if (!listed && file.content_type.startsWith("image/")) return <Picture id={file.id} file={file} />;
  return <Save id={file.id} file={file} />;
}

function Save({ id, file }: { id: string; file: Media }) {
  const act = useAct();
  const name = file.name ?? fileWord(file.content_type);
  return (
    <button type="button" class="file" disabled={act.busy} title={`Save ${name}`} data-test="file" onClick={() => void act.run(() => saveFile(id, name))}>
      <Icon name="clip" size={14} /><bdi class="file-name">{name}</bdi>{file.size !== null && <span class="quiet">{bytes(file.size)}</span>}
      {act.problem && <span class="warn">{act.problem}</span>}
    </button>
  );
}

function Picture({ id, file }: { id: string; file: Media }) {
  const [address, setAddress] = useState<string | null>(null);
  const [problem, setProblem] = useState(false);
  useEffect(() => {
    let gone = false;
    fileAddress(id).then((url) => gone || setAddress(url), () => gone || setProblem(true));
    return () => { gone = true; };
  }, [id]);
  if (problem) return <Save id={id} file={file} />;
  const name = file.name ?? "Picture";
  return (
    <a class="picture" href={address ?? undefined} target="_blank" rel="noreferrer noopener" data-test="picture">
      {address ? <img src={address} alt={name} onError={() => setProblem(true)} /> : <span class="spinner" />}
    </a>
  );
}
