import { useEffect, useState } from "preact/hooks";
import { resume } from "../session";
import { token } from "../store";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

export function App() {
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    void resume().then((why) => {
      setProblem(why);
      setAsked(true);
    });
  }, []);
  if (token.value !== null) return <Shell />;
  return asked ? <SignIn problem={problem} /> : null;
}
