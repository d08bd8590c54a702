import { token } from "../state/store";
import { Desk } from "./Desk";
import { SignIn } from "./SignIn";

export function App() {
  return token.value === null ? <SignIn /> : <Desk />;
}
