import type { Id, MatchedField, Suggestion } from "../client/protocol";
import { dismissSuggestion } from "../state/identity";
import { dialog, reachable } from "../state/store";
import { matchWords } from "../view/identity";
import { Icon } from "./Icon";

/** Who else may be this person, and what speaks for it. */
export function Suggestions({ customer, suggestions }: { customer: Id; suggestions: readonly Suggestion[] }) {
  return (
    <>
      {suggestions.map((each) => (
        <section class="suggestion" key={each.id} aria-label="Likely the same person" data-test="suggestion" data-customer={each.customer}>
          <p class="suggestion-title"><Icon name="people" /><span class="grow">Likely the same person</span><span data-test="score">{each.score.toFixed(2)}</span></p>
          <p><b><bdi>{each.name ?? "A customer without a name"}</bdi></b> {sentence(each.matched)}.</p>
          <div class="inline-actions">
            <button type="button" class="button small" disabled={!reachable.value} data-test="compare"
              onClick={() => { dialog.value = { kind: "merge", survivor: customer, loser: each.customer, suggestion: each }; }}>Compare</button>
            <button type="button" class="button quiet small" disabled={!reachable.value} data-test="no-match" onClick={() => void dismissSuggestion(each.id)}>No match</button>
          </div>
        </section>
      ))}
    </>
  );
}

function sentence(matched: readonly MatchedField[]): string {
  const words = matchWords(matched);
  return words ? `has ${words}` : "is much like this customer";
}
