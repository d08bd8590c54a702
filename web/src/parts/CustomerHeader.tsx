import { useLayoutEffect, useRef } from "preact/hooks";
import type { Customer } from "../client/protocol";
import { replyConversation, type OpenProfile } from "../state/profile";
import { CHANNEL_WORDS } from "../state/route";
import { focusNext, minute } from "../state/store";
import { listWords } from "../view/identity";
import { displayName, fullWhen, languageName, localTime, shortDay, sortedTags, time } from "../view/format";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";

export function CustomerHeader({ customer, open }: { customer: Customer; open: OpenProfile }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const focus = focusNext.value;
  const tags = sortedTags(customer.tags);
  useLayoutEffect(() => {
    if (focus !== "name") return;
    heading.current?.focus();
    focusNext.value = null;
  }, [focus, customer.id]);
  return (
    <header class="who">
      <div class="who-top">
        <Avatar id={customer.id} name={customer.name} size="l" />
        <div class="grow">
          <h1 tabIndex={-1} ref={heading} title={displayName(customer)} data-test="customer-name"><bdi>{displayName(customer)}</bdi></h1>
          <p class="who-sub"><bdi>{customer.company ?? (customer.name ? `Customer since ${shortDay(customer.created_at, minute.value)}` : "Name not known")}</bdi></p>
        </div>
      </div>
      {(customer.plan || customer.tags.length + customer.segments.length > 0) && (
        <ul class="tags" aria-label="Plan and tags">
          {tags.filter((each) => each.vip).map(({ tag, word }) => <li key={tag} class="tag vip"><Icon name="star" size={12} />{word}</li>)}
          {customer.plan && <li class="tag accent">{customer.plan} plan</li>}
          {tags.filter((each) => !each.vip).map(({ tag, word }) => <li key={tag} class="tag">{word}</li>)}
          {customer.segments.map((segment) => <li key={segment} class="tag outline" title="Segment: this profile meets its condition">{segment}</li>)}
        </ul>
      )}
      <Facts customer={customer} />
      <AtAGlance customer={customer} open={open} />
    </header>
  );
}

function Facts({ customer }: { customer: Customer }) {
  const there = customer.time_zone ? localTime(customer.time_zone, minute.value) : null;
  const same = there === time(minute.value);
  return (
    <ul class="facts">
      {(there || customer.location) && (
        <li title={customer.time_zone ?? undefined}>
          <Icon name="clock" size={14} />
          <span class="ellipsis">{[there, customer.location].filter(Boolean).join(" in ")}{there && same && <span class="quiet"> · same as yours</span>}</span>
        </li>
      )}
      {customer.language && <li><Icon name="globe" size={14} /><span class="ellipsis">{languageName(customer.language)}</span></li>}
      <Preferences customer={customer} />
    </ul>
  );
}

function Preferences({ customer }: { customer: Customer }) {
  const prefers = customer.preferred_channels.map((channel) => CHANNEL_WORDS[channel]);
  const refuses = customer.refused_channels.map((channel) => (channel === "voice" ? "calls" : CHANNEL_WORDS[channel]));
  if (prefers.length + refuses.length === 0) return null;
  return (
    <li>
      <Icon name="sms" size={14} />
      <span>{prefers.length > 0 && `Prefers ${listWords(prefers)}`}{refuses.length > 0 && <span class="warn">{prefers.length ? " · " : ""}no {listWords(refuses)}</span>}</span>
    </li>
  );
}

/** The topic of the conversation that is answered now, and how often the customer has come about it. */
function topicNow({ customer, conversations }: OpenProfile) {
  const topic = replyConversation(conversations)?.topics[0];
  const count = customer?.topics.find((each) => each.topic === topic?.id)?.contacts;
  return topic && count !== undefined ? { name: topic.path.at(-1)!, count } : null;
}

function AtAGlance({ customer, open }: { customer: Customer; open: OpenProfile }) {
  const topic = topicNow(open);
  const last = customer.last_contact_at;
  return (
    <dl class="glance" data-test="glance">
      <div><dd>{customer.contacts_30_days}</dd><dt>contacts in 30 days</dt></div>
      {topic
        ? <div><dd class={topic.count > 2 ? "warn" : ""}>{topic.count}</dd><dt title={`about ${topic.name}`}>about {topic.name.toLowerCase()}</dt></div>
        : <div title={last ? fullWhen(last) : undefined}><dd>{last ? shortDay(last, minute.value) : "–"}</dd><dt>last contact</dt></div>}
      <div><dd data-test="open-tasks">{customer.open_tasks}</dd><dt>open tasks</dt></div>
    </dl>
  );
}
