import { useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { conflict, keepMine, live, sourceOf, takeTheirs, text } from "../rules/state";
import { clockTime } from "../view/when";
import { DiffText } from "./DiffText";

/** Somebody else changed the draft meanwhile. Nothing is overwritten until it is said whose stays. */
export function Conflict() {
  const [shown, setShown] = useState(false);
  const { theirs } = conflict.value!;
  const other = theirs ?? live.value;
  return (
    <div class="conflict" role="alert" data-test="conflict">
      <div class="conflict-line">
        <Icon name="alert" />
        <span class="grow">
          {theirs
            ? <><b>{theirs.by?.name ?? "Somebody"} saved another draft at {clockTime(theirs.at)}.</b> Yours is on this page only; nothing was overwritten.</>
            : <><b>The draft was published or discarded by somebody else.</b> What you wrote is on this page only.</>}
        </span>
        <button type="button" class="button small" aria-expanded={shown} onClick={() => setShown(!shown)}>{shown ? "Hide" : "Show"} what differs</button>
        <button type="button" class="button small" data-test="take-theirs" onClick={() => void takeTheirs()}>Take theirs</button>
        <button type="button" class="button small" data-test="keep-mine" onClick={() => void keepMine()}>Go on with mine</button>
      </div>
      {shown && other && <DiffText before={sourceOf(other)} after={text.value} />}
    </div>
  );
}
