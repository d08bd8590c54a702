import { dayTime } from "../view/when";

/** An agent as of an offer, with the reason for or against them. */
export interface Candidate { agent: string; name: string; chosen: boolean; reason: string; detail: string }
/** An offer with every agent as of its moment; without agents where nobody was chosen among, or it was not kept yet. */
export interface Asked { offer: string; agent: string; at: string; outcome: string; agents: Candidate[] }

const spaced = (word: string) => word.replaceAll("_", " ");

/** Whom the contact was offered to since the decision: who else there was, and why not they. */
export function AskedAgents({ offers }: { offers: Asked[] }) {
  return (
    <>
      <h2>Agents it was offered to</h2>
      {!offers.length && <p class="quiet">None yet.</p>}
      {offers.map((each) => <OneAsked key={each.offer} asked={each} />)}
    </>
  );
}

function OneAsked({ asked }: { asked: Asked }) {
  const name = asked.agents.find((each) => each.agent === asked.agent)?.name ?? asked.agent;
  return (
    <section data-test="asked">
      <p><b>{name}</b> <span class="quiet small">{dayTime(asked.at)}, {spaced(asked.outcome)}</span></p>
      {!asked.agents.length && <p class="quiet small">How the others were then was not kept.</p>}
      {asked.agents.length > 0 && (
        <table class="table">
          <thead><tr><th>Agent</th><th>Reason</th><th>Because</th></tr></thead>
          <tbody>
            {asked.agents.map((each) => (
              <tr key={each.agent} data-test="asked-agent" data-reason={each.reason}>
                <td>{each.chosen ? <b>{each.name}</b> : each.name}</td><td class={each.chosen ? "ok" : "quiet"}>{spaced(each.reason)}</td><td class="small">{each.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
