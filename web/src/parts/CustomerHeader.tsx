import { useLayoutEffect, useRef } from "preact/hooks";
import type { Customer } from "../client/protocol";
import { focusNext, minute } from "../state/store";
import { displayName, fullWhen, languageName, localTime, shortDay, sortedTags, time } from "../view/format";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";

export function CustomerHeader({ customer }: { customer: Customer }) {
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
      {(customer.plan || customer.tags.length > 0) && (
        <ul class="tags" aria-label="Plan and tags">
          {tags.filter((each) => each.vip).map(({ tag, word }) => <li key={tag} class="tag vip"><Icon name="star" size={12} />{word}</li>)}
          {customer.plan && <li class="tag accent">{customer.plan} plan</li>}
          {tags.filter((each) => !each.vip).map(({ tag, word }) => <li key={tag} class="tag">{word}</li>)}
        </ul>
      )}
      <Facts customer={customer} />
      <AtAGlance customer={customer} />
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
    </ul>
  );
}

function AtAGlance({ customer }: { customer: Customer }) {
  const at = (when: string | null) => (when ? shortDay(when, minute.value) : "–");
  return (
    <dl class="glance">
      <div><dd>{customer.contacts_30_days}</dd><dt>contacts in 30 days</dt></div>
      <div title={customer.first_contact_at ? fullWhen(customer.first_contact_at) : undefined}><dd>{at(customer.first_contact_at)}</dd><dt>first contact</dt></div>
      <div title={customer.last_contact_at ? fullWhen(customer.last_contact_at) : undefined}><dd>{at(customer.last_contact_at)}</dd><dt>last contact</dt></div>
    </dl>
  );
}
