import { ringing } from "../state/agent";
import { mine } from "../state/store";
import { Offer } from "./Offer";

/** Ringing offers, oldest first: in the page while nothing is open, docked over an open profile. */
export function Offers({ docked }: { docked: boolean }) {
  const offers = ringing(mine.value?.offers ?? new Map());
  if (offers.length === 0) return null;
  return (
    <section class={docked ? "offers docked" : "offers"} aria-label="Offers" data-region="offers" tabIndex={-1} data-test="offers">
      {offers.map((offer, place) => <Offer key={offer.offer} offer={offer} place={place} docked={docked} />)}
    </section>
  );
}
