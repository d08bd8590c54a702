import { useRef } from "preact/hooks";
import type { Id, ReplyLimits } from "../client/protocol";
import { addFile, dropFile, uploadsOf } from "../state/uploads";
import { bytes } from "../view/content";
import { fileProblem } from "../view/limits";
import { Icon } from "./Icon";

/** The files of a reply, each with what stands against it. */
export function ReplyFiles({ customer, limits, word }: { customer: Id; limits: ReplyLimits | null | undefined; word: string }) {
  const files = uploadsOf(customer);
  if (files.length === 0) return null;
  return (
    <ul class="reply-files" data-test="reply-files">
      {files.map((file) => {
        const problem = file.problem ?? fileProblem(file, limits, word);
        return (
          <li key={file.key} class={problem ? "warn" : ""}>
            {file.id || problem ? <Icon name={problem ? "alert" : "clip"} size={14} /> : <span class="spinner small" />}
            <bdi class="file-name">{file.name}</bdi><span class="quiet">{bytes(file.size)}</span>
            {problem && <span>{problem}</span>}
            <button type="button" class="row-more" aria-label={`Remove ${file.name}`} onClick={() => dropFile(customer, file.key)}><Icon name="close" size={14} /></button>
          </li>
        );
      })}
    </ul>
  );
}

export function AttachButton({ customer, limits }: { customer: Id; limits: ReplyLimits | null | undefined }) {
  const input = useRef<HTMLInputElement>(null);
  if (!limits || limits.most_files === 0) return null;
  const add = () => {
    for (const file of input.current?.files ?? []) void addFile(customer, file);
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <input ref={input} type="file" multiple hidden accept={limits.file_types.join(",")} data-test="attach-input" onChange={add} />
      <button type="button" class="button quiet square small" aria-label="Attach a file" title={`Attach up to ${limits.most_files} files, ${bytes(limits.most_file_bytes)} each`} data-test="attach" onClick={() => input.current?.click()}>
        <Icon name="clip" size={14} />
      </button>
    </>
  );
}
