import { dialog } from "../state/store";
import { leave } from "../state/desk";
import { ConnectionChip } from "./ConnectionChip";
import { Icon, Mark } from "./Icon";
import { MyCustomers } from "./MyCustomers";
import { Presence } from "./Presence";
import { TakeNext } from "./TakeNext";

export function Rail() {
  return (
    <aside class="rail" aria-label="Desk" data-region="rail" tabIndex={-1}>
      <div class="rail-top">
        <button type="button" class="brand" title="Home" aria-label="Screenpop, home" data-test="home" onClick={leave}><Mark /><span>Screenpop</span></button>
        <ConnectionChip />
      </div>
      <Presence />
      <button type="button" class="find" title="Search customers" data-test="search-open" onClick={() => { dialog.value = { kind: "search" }; }}>
        <Icon name="search" /><span class="find-words">Search customers</span><kbd>/</kbd>
      </button>
      <TakeNext />
      <MyCustomers />
      <div class="rail-foot">
        <button type="button" class="button quiet small" title="Keyboard" data-test="keys-open" onClick={() => { dialog.value = { kind: "keys" }; }}>
          <span class="find-words">Keyboard</span><kbd>?</kbd>
        </button>
      </div>
    </aside>
  );
}
