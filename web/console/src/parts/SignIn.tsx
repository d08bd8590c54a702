import { useRef, useState } from "preact/hooks";
import { Icon, Mark } from "../../../src/parts/Icon";
import { signIn } from "../session";

export function SignIn({ problem: first }: { problem: string | null }) {
  const [entered, setEntered] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(first);
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!entered.trim() || busy) return;
    setBusy(true);
    setProblem(await signIn(entered));
    setBusy(false);
    field.current?.select();
  };
  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit}>
        <div class="sign-in-brand"><Mark size={36} /><span>Screenpop</span></div>
        <h1>Sign in to the console</h1>
        <p class="lede">For supervisors and administrators. Your token stays in this tab until you sign out or close it.</p>
        <label class="label" for="token">Token</label>
        <input
          id="token" class="field mono" type="password" autocomplete="off" spellcheck={false} autofocus ref={field}
          data-test="token" value={entered} aria-invalid={problem !== null} aria-describedby={problem ? "token-problem" : undefined}
          onInput={(event) => setEntered(event.currentTarget.value)}
        />
        {problem && <div class="inline-error" id="token-problem" role="alert" data-test="sign-in-error"><Icon name="alert" /><span>{problem}</span></div>}
        <button class="button primary large" type="submit" disabled={busy || !entered.trim()} data-test="sign-in">
          {busy ? <><span class="spinner" />Signing in</> : "Sign in"}
        </button>
      </form>
    </main>
  );
}
