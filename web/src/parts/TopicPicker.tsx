import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Conversation, ConversationTopic, Topic } from "../client/protocol";
import { fetchTopics, setTopics } from "../state/edits";
import { reachable } from "../state/store";
import { useAct } from "../view/useAct";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { Problem } from "./Problem";

export const pathWords = (path: readonly string[]): string => path.join(" › ");

/** What the conversation is about: its topics, and the tree to choose from. */
export function TopicPicker({ conversation }: { conversation: Conversation }) {
  const chosen = conversation.topics;
  const drop = (topic: ConversationTopic) => void setTopics(conversation.id, chosen.filter((each) => each.id !== topic.id).map((each) => each.id));
  return (
    <>
      {chosen.map((topic, at) => (
        <span key={topic.id} class={at === 0 ? "topic-title" : "tag outline"} data-test="topic" title={pathWords(topic.path)}>
          <TopicPath path={topic.path} />
          <button type="button" class="topic-drop" disabled={!reachable.value} aria-label={`Remove the topic ${pathWords(topic.path)}`} data-test="topic-remove" onClick={() => drop(topic)}><Icon name="close" size={12} /></button>
        </span>
      ))}
      <Menu label="Add a topic (T)" button={<><Icon name="plus" size={12} />Topic<kbd class="wide-only">T</kbd></>} buttonClass="tag outline topic-add" test="topic-picker" disabled={!reachable.value}>
        {(close) => <Choices conversation={conversation} close={close} />}
      </Menu>
    </>
  );
}

export function TopicPath({ path }: { path: readonly string[] }) {
  const above = path.slice(0, -1);
  return <bdi class="ellipsis">{above.length > 0 && <span class="quiet">{pathWords(above)} › </span>}<b>{path.at(-1)}</b></bdi>;
}

function Choices({ conversation, close }: { conversation: Conversation; close: () => void }) {
  const [all, setAll] = useState<Topic[] | null>(null);
  const [text, setText] = useState("");
  const find = useRef<HTMLInputElement>(null);
  const [entered, setEntered] = useState(false);
  const act = useAct();
  useLayoutEffect(() => find.current?.focus(), []);
  useEffect(() => void act.run(async () => setAll(await fetchTopics())), []);
  const ids = conversation.topics.map((topic) => topic.id);
  const looked = text.trim().toLowerCase();
  const found = (all ?? []).filter((topic) => pathWords(topic.path).toLowerCase().includes(looked));
  const toggle = (topic: Topic) => {
    void setTopics(conversation.id, ids.includes(topic.id) ? ids.filter((id) => id !== topic.id) : [...ids, topic.id]);
    close();
  };
  // Who types faster than the topics arrive has chosen all the same.
  useEffect(() => {
    if (entered && all) found[0] ? toggle(found[0]) : setEntered(false);
  }, [entered, all]);
  return (
    <>
      <input class="field" type="text" ref={find} aria-label="Find a topic" placeholder="Find a topic" value={text} data-test="topic-find" autocomplete="off"
        onInput={(event) => { setText(event.currentTarget.value); setEntered(false); }} onKeyDown={(event) => { if (event.key === "Enter") setEntered(true); }} />
      <div class="menu-scroll" role="group">
        {found.map((topic) => (
          <button type="button" role="menuitemcheckbox" key={topic.id} aria-checked={ids.includes(topic.id)} data-test="topic-choice" onClick={() => toggle(topic)}>
            <TopicPath path={topic.path} />{ids.includes(topic.id) && <span class="push"><Icon name="check" size={14} /></span>}
          </button>
        ))}
      </div>
      {all?.length === 0 && <p class="none">An administrator has to define topics first.</p>}
      {all && all.length > 0 && found.length === 0 && <p class="none">No topic is called that.</p>}
      {act.problem && <Problem text={act.problem} />}
    </>
  );
}
