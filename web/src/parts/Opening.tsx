import { open } from "../state/desk";
import { leave } from "../state/desk";
import { opening, reachable } from "../state/store";
import { Banner } from "./Banner";
import { Icon } from "./Icon";

/** A profile asked for: the shape of what comes, never a guess of it. */
export function Opening() {
  const asked = opening.value;
  if (!asked) return null;
  if (asked.problem) {
    return (
      <div class="blank" data-region="main" tabIndex={-1} data-test="open-error" role="alert">
        <span class="blank-art bad"><Icon name="alert" size={24} /></span>
        <h2>This profile did not open</h2>
        <p>{asked.problem} Nothing was changed.</p>
        <div class="blank-actions">
          <button type="button" class="button primary" disabled={!reachable.value} onClick={() => void open(asked.customer, asked.name)}>Try again</button>
          <button type="button" class="button" onClick={leave}>Back</button>
        </div>
      </div>
    );
  }
  return (
    <div class="profile" data-test="opening" aria-busy="true">
      <div class="details" data-region="details" tabIndex={-1}>
        <div class="who"><h1 class="ellipsis"><bdi>{asked.name ?? "Opening"}</bdi></h1></div>
        <div class="skeleton"><i /><i /><i /><i /></div>
      </div>
      <div class="conversation-side">
        <div class="timeline-head" />
        <Banner />
        <p class="flow-top"><span class="spinner" />Opening the profile</p>
      </div>
    </div>
  );
}
