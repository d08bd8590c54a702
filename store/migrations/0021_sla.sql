-- How soon customers are answered and helped: policies, and clocks that run in business time. Business time is counted by
-- processes (router/business_time.py); here it only says when it is to be looked at.

create table sla_policy (
    id                      text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name                    text not null,
    first_response_seconds  integer check (first_response_seconds > 0),
    resolution_seconds      integer check (resolution_seconds > 0),
    warn_before_seconds     integer not null default 0 check (warn_before_seconds >= 0),
    hours                   jsonb,                          -- model.voice_line.Hours; null: around the clock
    by_priority             jsonb not null default '[]',    -- router.sla.PriorityTarget
    changed_at              timestamptz not null default now()
);

alter table queue
    add column sla_id      text references sla_policy,
    add column work_order  text not null default 'arrival' check (work_order in ('arrival', 'sla_due'));
alter table account add column sla_id text references sla_policy;
create index on queue (sla_id) where sla_id is not null;
create index on account (sla_id) where sla_id is not null;

-- One for each measure of a conversation that has a policy. It runs since `since`; `spent` is what it had run before.
-- Changed under the customer's lock alone.
create table sla_clock (
    conversation_id  uuid not null references conversation on delete cascade,
    measure          text not null check (measure in ('first_response', 'resolution')),
    policy_id        text not null,                 -- of one that may be gone: then the clock ends
    target           interval not null,
    spent            interval not null default '0',
    since            timestamptz,
    due_at           timestamptz,                   -- while it runs
    warn_at          timestamptz,
    met_at           timestamptz,
    warned_at        timestamptz,
    breached_at      timestamptz,
    next_at          timestamptz,                   -- the next warning or breach that was not told yet
    primary key (conversation_id, measure),
    check (due_at is null or since is not null),
    check (met_at is null or since is null)
) with (fillfactor = 70);
create index sla_clock_next on sla_clock (next_at) where next_at is not null;
create index sla_clock_policy on sla_clock (policy_id);
create index sla_clock_breached on sla_clock (breached_at) where breached_at is not null;

-- What happened to conversations since their clocks were set; a status of null: only look.
create table sla_turn (
    id               bigint generated always as identity primary key,
    conversation_id  uuid not null,
    at               timestamptz not null default clock_timestamp(),
    status           text,
    needs_attention  boolean,
    apart            boolean
);
create index on sla_turn (conversation_id);

alter table conversation add column sla boolean not null default false;     -- it has clocks
alter table contact add column sla_due_at timestamptz;                      -- the first that its conversation's clocks are due

create function note_turn() returns trigger language plpgsql as $$
begin
    insert into sla_turn (conversation_id, status, needs_attention, apart)
    values (new.id, new.status, new.needs_attention, new.folded_into is not null);
    return null;
end $$;
-- The condition costs nothing where there is no policy: recording goes through here.
create trigger conversation_turn after update on conversation for each row
    when (new.sla and (new.status <> old.status or new.needs_attention <> old.needs_attention
                       or new.folded_into is distinct from old.folded_into))
    execute function note_turn();

-- Who waits without a due time is due a day after arrival.
create function order_of(p_order text, p_arrived timestamptz, p_due timestamptz, p_priority integer, p_bonus integer)
returns bigint language sql immutable as $$
    select (extract(epoch from case p_order when 'sla_due' then coalesce(p_due, p_arrived + interval '24 hours')
                                            else p_arrived end) * 1000000)::bigint
           - p_priority::bigint * p_bonus * 1000000 $$;

create function place_contact() returns trigger language plpgsql as $$
declare
    q record;
begin
    select work_order, priority_bonus_seconds as bonus into q from queue where id = new.queue_id;
    if q.work_order = 'sla_due' then
        new.order_key := order_of('sla_due', new.arrived_at, new.sla_due_at, new.priority, q.bonus);
    end if;
    if (new.queue_id, new.priority, new.decision_id) is distinct from (old.queue_id, old.priority, old.decision_id)
       and exists (select from sla_policy) then
        insert into sla_turn (conversation_id) values (new.conversation_id);
    end if;
    return new;
end $$;
create trigger contact_placed before update on contact for each row
    when (new.queue_id is not null
          and (new.queue_id is distinct from old.queue_id or new.order_key is distinct from old.order_key
               or new.priority <> old.priority or new.decision_id is distinct from old.decision_id
               or new.sla_due_at is distinct from old.sla_due_at))
    execute function place_contact();
