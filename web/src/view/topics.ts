/** A customer's conversations by what they are about. Pure. */
import type { Conversation, Customer } from "../client/protocol";
import { byNewest } from "../state/profile";

export interface TopicGroup {
  key: string;
  /** Empty: conversations without a topic. */
  path: readonly string[];
  conversations: Conversation[];
  /** How often the customer came about it, those below it included. */
  contacts: number;
}

/** Topics with the newest conversation first. One about two topics stands under its first. */
export function byTopic(conversations: readonly Conversation[], counts: Customer["topics"]): TopicGroup[] {
  const groups = new Map<string, TopicGroup>();
  for (const each of byNewest([...conversations])) {
    const topic = each.topics[0];
    const key = topic?.id ?? `alone ${each.id}`;
    const group = groups.get(key) ?? { key, path: topic?.path ?? [], conversations: [], contacts: 0 };
    group.conversations.push(each);
    group.contacts += each.contacts.length;
    groups.set(key, group);
  }
  for (const { topic, contacts } of counts) {
    const group = groups.get(topic);
    if (group) group.contacts = Math.max(group.contacts, contacts);
  }
  return [...groups.values()];
}
