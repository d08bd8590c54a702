import { singleKeys } from "../state/prefs";
import { dialog } from "../state/store";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

const MAP: [string[], string][] = [
  [["A"], "Accept the oldest offer"],
  [["D"], "Decline it"],
  [["⇧ A", "⇧ D"], "Accept or decline the second"],
  [["/"], "Search customers"],
  [["R"], "Reply"],
  [["I"], "Note for colleagues"],
  [["K"], "Task for later"],
  [["C"], "Channel of the reply"],
  [["T"], "Topic of the conversation"],
  [["1 – 9"], "Who writes on a shared handle; how a contact ended"],
  [["F"], "Finish the contact"],
  [["N"], "Take the contact that waits longest"],
  [["["], "Previous conversation"],
  [["]"], "Next conversation"],
  [["Alt ↑", "Alt ↓"], "Previous or next customer"],
  [["↑", "↓"], "Entries, with the timeline focused"],
  [["Home", "End"], "First loaded, newest entry"],
  [["Ctrl ↵", "⌘ ↵"], "Send, merge, or wrap-up done"],
  [["F6"], "Next region of the page"],
  [["Esc"], "Close, or leave the text; the draft is kept"],
];

export function KeyMap() {
  return (
    <Dialog label="Keyboard" kind="keys">
      <header class="dialog-head">
        <h2>Keyboard</h2>
        <button type="button" class="button quiet square" aria-label="Close" onClick={() => { dialog.value = null; }}><Icon name="close" /></button>
      </header>
      <dl class="keymap">
        {MAP.map(([keys, what]) => <div key={what}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{what}</dd></div>)}
      </dl>
      <label class="keymap-toggle">
        <input type="checkbox" checked={singleKeys.value} onChange={(event) => { singleKeys.value = event.currentTarget.checked; }} />
        Single keys act outside text fields
      </label>
    </Dialog>
  );
}
