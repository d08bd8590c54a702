import { useEffect, useState } from "preact/hooks";
import type { CustomerSummary } from "../client/protocol";
import { open } from "../state/desk";
import { fetchRecent } from "../state/recent";
import { dialog } from "../state/store";
import { CustomerSearch } from "./CustomerSearch";
import { Dialog } from "./Dialog";

export function SearchPalette() {
  const [viewed, setViewed] = useState<CustomerSummary[]>([]);
  useEffect(() => void fetchRecent().then(setViewed), []);
  const choose = (item: CustomerSummary) => {
    dialog.value = null;
    void open(item.id, item.name);
  };
  return (
    <Dialog label="Search customers" kind="search">
      <CustomerSearch id="found" placeholder="Name, company, number, address or message" autofocus before={viewed} beforeTitle="Recently viewed"
        onChoose={choose} end={<kbd>Esc</kbd>} foot={(sentence) => <p class="palette-foot" role="status">{sentence}</p>} />
    </Dialog>
  );
}
