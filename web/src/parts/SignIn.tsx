import { useRef, useState } from "preact/hooks";
import { signIn } from "../state/session";
import { signInProblem } from "../state/store";
import { Icon, Mark } from "./Icon";

export function SignIn() {
  const [entered, setEntered] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!entered.trim() || busy) return;
    setBusy(true);
    await signIn(entered);
    setBusy(false);
    field.current?.select();
  };
  const problem = signInProblem.value;
  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit}>
        <div class="sign-in-brand"><Mark size={36} /><span>Screenpop</span></div>
        <h1>Sign in to your desk</h1>
        <p class="lede">Your supervisor gives you a token. It stays in this tab until you sign out or close it.</p>
        <label class="label" for="token">Token</label>
        <input
          id="token" class="field mono" type="password" autocomplete="off" spellcheck={false} autofocus ref={field}
          data-test="token" value={entered} aria-invalid={problem !== null} aria-describedby={problem ? "token-problem" : undefined}
          onInput={(event) => setEntered(event.currentTarget.value)}
        />
        {problem && (
          <div class="inline-error" id="token-problem" role="alert" data-test="sign-in-error">
            <Icon name="alert" /><span>{problem}</span>
          </div>
        )}
        <button class="button primary large" type="submit" disabled={busy || !entered.trim()} data-test="sign-in">
          {busy ? <><span class="spinner" />Signing in</> : "Sign in"}
        </button>
      </form>
    </main>
  );
}
