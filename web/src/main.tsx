import { render } from "preact";
import { App } from "./parts/App";
import { followActivity } from "./state/activity";
import { followPrefs } from "./state/prefs";
import { resume } from "./state/session";
import { startTicking } from "./state/tick";
import "./styles/index.css";

followPrefs();
followActivity();
startTicking();
resume();
render(<App />, document.getElementById("desk")!);
