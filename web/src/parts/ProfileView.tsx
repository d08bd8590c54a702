import { useRef } from "preact/hooks";
import type { OpenProfile } from "../state/profile";
import { coding } from "../state/desk";
import { heldHere } from "../state/store";
import { Aware } from "./Aware";
import { Banner } from "./Banner";
import { Details } from "./Details";
import { ReplyBox } from "./ReplyBox";
import { Timeline, type Jump } from "./Timeline";
import { TimelineHead } from "./TimelineHead";
import { WrapUp } from "./WrapUp";

const nowhere: Jump = () => Promise.resolve();

export function ProfileView({ open }: { open: OpenProfile }) {
  const jump = useRef<Jump>(nowhere);
  const { id } = open;
  const wrapping = heldHere.value.find((held) => held.state === "wrapping" || (held.contact === coding.value && held.state === "parked"));
  return (
    <div class="profile" data-test="profile" data-customer={id}>
      <Details open={open} onJump={(conversation) => void jump.current(conversation)} />
      <section class="conversation-side" aria-label="Conversation" data-region="main" tabIndex={-1}>
        <Timeline key={id} open={open} jump={jump} />
        <div class="composer">
          <div class="composer-inner">
            <Aware open={open} />
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
