-- Why an agent was chosen and the others were not, kept so that it can be worked out again: what every agent was like
-- from a moment on, and what an offer was chosen by. What agents had at once is in the times of `offer`.

-- Kept as long as decisions are, which is for ever; nothing is written where nothing changed.
create table agent_history (
    id             bigint generated always as identity primary key,
    agent_id       uuid not null references agent,
    at             timestamptz not null default clock_timestamp(),
    active         boolean not null,
    presence       text not null,
    reason         text,
    connected      boolean not null,
    idle_since     timestamptz not null,            -- as of `at`: contacts that came and went since are in `offer`
    cap_voice      integer not null,
    cap_messaging  integer not null,
    cap_mail       integer not null,
    cap_voicemail  integer not null,
    cap_total      integer,
    queues         text[] not null,                 -- with `most[i]` at once; null: as many as fit
    most           integer[] not null,
    skills         text[] not null,
    levels         smallint[] not null
);
create index on agent_history (agent_id, at desc, id desc);

create function note_agent(p_agent uuid) returns void language sql as $$
    insert into agent_history (agent_id, active, presence, reason, connected, idle_since, cap_voice, cap_messaging, cap_mail,
                               cap_voicemail, cap_total, queues, most, skills, levels)
    select s.agent_id, a.active, s.presence, s.reason, s.connected, s.idle_since, s.cap_voice, s.cap_messaging, s.cap_mail,
           s.cap_voicemail, s.cap_total, q.queues, q.most, k.skills, k.levels
      from agent_state s join agent a on a.id = s.agent_id
     cross join lateral (
           select coalesce(array_agg(g.queue_id order by g.queue_id), '{}') as queues,
                  coalesce(array_agg(g.most order by g.queue_id), '{}') as most
             from agent_queue g where g.agent_id = s.agent_id) q
     cross join lateral (
           select coalesce(array_agg(g.skill_id order by g.skill_id), '{}') as skills,
                  coalesce(array_agg(g.level order by g.skill_id), '{}') as levels
             from agent_skill g where g.agent_id = s.agent_id) k
     where s.agent_id = p_agent and not exists (
           select from (select l.* from agent_history l where l.agent_id = p_agent order by l.at desc, l.id desc limit 1) h
            where (h.active, h.presence, h.reason, h.connected, h.cap_voice, h.cap_messaging, h.cap_mail, h.cap_voicemail,
                   h.cap_total, h.queues, h.most, h.skills, h.levels)
                  is not distinct from
                  (a.active, s.presence, s.reason, s.connected, s.cap_voice, s.cap_messaging, s.cap_mail, s.cap_voicemail,
                   s.cap_total, q.queues, q.most, k.skills, k.levels)) $$;

create function agent_changed() returns trigger language plpgsql as $$
begin
    perform note_agent((case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end ->> tg_argv[0])::uuid);
    return null;
end $$;

-- At COMMIT, so that what one transaction changes is one row, under the locks it holds. Reserving, releasing and the feed
-- of an agent change nothing of this: the conditions are all they cost.
create constraint trigger agent_came after insert on agent_state deferrable initially deferred
    for each row execute function agent_changed('agent_id');
create constraint trigger agent_changed after update on agent_state deferrable initially deferred for each row
    when (old.presence <> new.presence or old.connected <> new.connected or old.reason is distinct from new.reason
          or old.cap_voice <> new.cap_voice or old.cap_messaging <> new.cap_messaging or old.cap_mail <> new.cap_mail
          or old.cap_voicemail <> new.cap_voicemail or old.cap_total is distinct from new.cap_total)
    execute function agent_changed('agent_id');
create constraint trigger agent_retired after update on agent deferrable initially deferred for each row
    when (old.active <> new.active) execute function agent_changed('id');
create constraint trigger agent_serves after insert or delete on agent_queue deferrable initially deferred
    for each row execute function agent_changed('agent_id');
create constraint trigger agent_limited after update on agent_queue deferrable initially deferred for each row
    when (old.most is distinct from new.most) execute function agent_changed('agent_id');
create constraint trigger agent_can after insert or update or delete on agent_skill deferrable initially deferred
    for each row execute function agent_changed('agent_id');

select note_agent(agent_id) from agent_state;

-- What the contact asked for when this offer was made, and what the round of dispatch was that made it. Without foreign
-- keys: needs are never deleted, and agents neither.
alter table offer
    alter column created_at set default clock_timestamp(),  -- not when its transaction began: the agent was locked later
    add column need_id        integer,                      -- null: nobody was chosen among, or it is from before this was kept
    add column order_key      bigint,
    add column prefer_id      uuid,
    add column declined_by    uuid[],                       -- null: nobody
    add column selection      text,
    add column interruptible  boolean,
    add column round_at       timestamptz;

create function note_offer() returns trigger language plpgsql as $$
begin
    select c.need_id, c.order_key, c.prefer_agent_id, nullif(c.declined_by, '{}'), q.selection, q.interruptible, now()
      into new.need_id, new.order_key, new.prefer_id, new.declined_by, new.selection, new.interruptible, new.round_at
      from contact c left join queue q on q.id = c.queue_id where c.id = new.contact_id;
    return new;
end $$;
create trigger offer_noted before insert on offer for each row execute function note_offer();

-- Holds that a look at one day's offers would miss, and whose turn it was in queues that go round.
create index offer_long on offer (released_at) where released_at - created_at > interval '24 hours';
create index offer_turn on offer (agent_id, created_at) where selection = 'round_robin';
