import { useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { askAll } from "../client";
import { mayEdit } from "../store";
import { useLoad } from "../view/useLoad";
import { Labelled, Line, Words } from "./Inputs";
import { Page } from "./Page";
import { Beside, Lines, Record } from "./Record";

type Day = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
interface Hours { time_zone: string; open: Partial<Record<Day, [string, string][]>>; holidays: string[] }
interface NamedHours { id: string; name: string; hours: Hours; policies: string[]; accounts: string[] }

const DAYS: [Day, string][] = [["mon", "Monday"], ["tue", "Tuesday"], ["wed", "Wednesday"], ["thu", "Thursday"], ["fri", "Friday"], ["sat", "Saturday"], ["sun", "Sunday"]];
const NEW = "";
const WORKING: [string, string][] = [["09:00", "17:00"]];
const begin = (): NamedHours => ({
  id: "", name: "", policies: [], accounts: [],
  hours: { time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC", open: { mon: WORKING, tue: WORKING, wed: WORKING, thu: WORKING, fri: WORKING }, holidays: [] },
});
const ZONES = Intl.supportedValuesOf("timeZone");

/** Business hours and holidays, and who has them. */
export function HoursView() {
  const list = useLoad(() => askAll<NamedHours>("hours"));
  const named = useLoad(async () => ({
    policies: (await askAll<{ id: string }>("sla/policies")).map((each) => each.id),
    accounts: (await askAll<{ id: string; channel: string }>("accounts")).filter((each) => each.channel === "voice").map((each) => each.id),
  }));
  const [chosen, setChosen] = useState<string | null>(null);
  const off = !mayEdit();
  const items = (list.value ?? []).map((each) => ({ id: each.id, title: each.name, note: `${each.hours.time_zone} · ${each.hours.holidays.length} holidays` }));
  return (
    <Page title="Hours" note="Business hours and holidays" problem={list.problem ?? named.problem}>
      <Beside list={<Lines what="Hours" chosen={chosen} onChoose={setChosen} onNew={off ? undefined : () => setChosen(NEW)} items={items} />}>
        {chosen !== null && (
          <Record<NamedHours>
            key={chosen} path={chosen === NEW ? null : `hours/${chosen}`} begin={begin()} target={(value) => `hours/${encodeURIComponent(value.id)}`}
            send={({ name, hours, policies, accounts }) => ({ name, hours, policies, accounts })}
            removable={off ? undefined : "Only hours that nobody has can be removed."} saved={() => { list.again(); if (chosen === NEW) setChosen(null); }}
          >
            {(value, set) => {
              const change = (part: Partial<Hours>) => set({ hours: { ...value.hours, ...part } });
              return (
                <>
                  <h2>{chosen === NEW ? "New hours" : value.name}</h2>
                  <div class="two">
                    {chosen === NEW && <Labelled label="Id" hint="small letters, digits, hyphens"><Line value={value.id} label="Id" test="field-id" onInput={(to) => set({ id: to })} /></Labelled>}
                    <Labelled label="Name"><Line value={value.name} label="Name" test="field-name" disabled={off} onInput={(to) => set({ name: to })} /></Labelled>
                    <Labelled label="Time zone"><Line value={value.hours.time_zone} label="Time zone" list={ZONES} disabled={off} onInput={(to) => change({ time_zone: to })} /></Labelled>
                  </div>
                  <div class="days">{DAYS.map(([day, title]) => <DayRow key={day} title={title} spans={value.hours.open[day] ?? []} off={off} onChange={(spans) => change({ open: { ...value.hours.open, [day]: spans } })} />)}</div>
                  <h3>Holidays</h3>
                  <Words values={value.hours.holidays} label="Holidays, as 2026-12-25" disabled={off} test="holidays" onChange={(holidays) => change({ holidays })} />
                  <span class="quiet small">Dates as 2026-12-25; closed all day.</span>
                  <h3>Who has them</h3>
                  <Labelled label="Service levels counted in them"><Words values={value.policies} label="Service levels" list={named.value?.policies ?? []} disabled={off} onChange={(policies) => set({ policies })} /></Labelled>
                  <Labelled label="Calls answered in them"><Words values={value.accounts} label="Accounts" list={named.value?.accounts ?? []} disabled={off} onChange={(accounts) => set({ accounts })} /></Labelled>
                </>
              );
            }}
          </Record>
        )}
      </Beside>
    </Page>
  );
}

function DayRow({ title, spans, off, onChange }: { title: string; spans: [string, string][]; off: boolean; onChange: (spans: [string, string][]) => void }) {
  const set = (index: number, end: 0 | 1, to: string) => onChange(spans.map((span, at): [string, string] => (at !== index ? span : end === 0 ? [to, span[1]] : [span[0], to])));
  return (
    <div class="day" role="group" aria-label={title}>
      <span class="day-name">{title}</span>
      {spans.map(([from, to], index) => (
        <span class="span" key={index}>
          <Line value={from} label={`${title}: from`} disabled={off} onInput={(value) => set(index, 0, value)} />–<Line value={to} label={`${title}: to`} disabled={off} onInput={(value) => set(index, 1, value)} />
          {!off && <button type="button" class="take" aria-label={`${title}: remove ${from} to ${to}`} onClick={() => onChange(spans.filter((_, at) => at !== index))}><Icon name="close" size={12} /></button>}
        </span>
      ))}
      {spans.length === 0 && <span class="quiet">closed</span>}
      {!off && <button type="button" class="link small" onClick={() => onChange([...spans, ["09:00", "17:00"]])}>{spans.length ? "Another span" : "Open"}</button>}
    </div>
  );
}
