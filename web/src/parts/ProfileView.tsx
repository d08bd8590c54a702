import { useRef } from "preact/hooks";
import type { Conversation } from "../client/protocol";
import { loadToStart } from "../state/pages";
import type { OpenProfile } from "../state/profile";
import { heldHere } from "../state/store";
import { Banner } from "./Banner";
import { Details } from "./Details";
import { ReplyBox } from "./ReplyBox";
import { Timeline } from "./Timeline";
import { TimelineHead } from "./TimelineHead";
import { WrapUp } from "./WrapUp";

export function ProfileView({ open }: { open: OpenProfile }) {
  const flow = useRef<HTMLDivElement>(null);
  const { id } = open.customer;
  const wrapping = heldHere.value.find((held) => held.state === "wrapping");
  const jump = async (conversation: Conversation) => {
    const entry = await loadToStart(id, conversation.id, Date.parse(conversation.opened_at));
    requestAnimationFrame(() => goTo(flow.current, conversation.id, entry));
  };
  return (
    <div class="profile" data-test="profile" data-customer={id}>
      <Details open={open} onJump={jump} />
      <section class="conversation-side" aria-label="Conversation" data-region="main" tabIndex={-1}>
        <Timeline key={id} open={open} flow={flow} />
        <div class="composer">
          <div class="composer-inner">
            {wrapping ? <WrapUp key={wrapping.contact} held={wrapping} /> : <ReplyBox key={id} open={open} />}
          </div>
        </div>
        {/* Last in the order of focus, first on the screen. */}
        <Banner />
        <TimelineHead open={open} />
      </section>
    </div>
  );
}

/** Rows that were never drawn have only a guessed height, so the second call corrects the first. */
function goTo(flow: HTMLElement | null, conversation: string, entry: string | null): void {
  const start = flow?.querySelector<HTMLElement>(`[data-start="${conversation}"]`);
  const target = start ?? (entry ? flow?.querySelector<HTMLElement>(`[data-entry="${entry}"]`) : null);
  if (!target) return;
  target.scrollIntoView({ block: "start" });
  requestAnimationFrame(() => {
    target.scrollIntoView({ block: "start" });
    flow?.focus({ preventScroll: true });
  });
  target.classList.add("found");
  setTimeout(() => target.classList.remove("found"), 1600);
}
