import { render } from "preact";
import { followPrefs } from "../../src/state/prefs";
import { App } from "./parts/App";
import { followAddress } from "./store";
import "./styles/index.css";

followPrefs();
followAddress();
render(<App />, document.getElementById("console")!);
