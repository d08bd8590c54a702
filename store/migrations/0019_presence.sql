-- Why agents are away and decline, what contacts end with, wrap-up in four ways, and what becomes of work whose agent
-- or queue is gone.

create table away_reason (
    id        text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    label     text not null check (label <> ''),
    works     boolean not null default false,   -- they may still pull the next contact themselves
    position  integer not null default 0
);
insert into away_reason (id, label, works, position) values
    ('break', 'Break', false, 1), ('lunch', 'Lunch', false, 2), ('meeting', 'Meeting', false, 3),
    ('training', 'Training', false, 4);

create table decline_reason (
    id        text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    label     text not null check (label <> ''),
    position  integer not null default 0
);

-- A tree. `queues`: whose contacts it is for, together with those above it; none: all.
create table disposition (
    id         text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    label      text not null check (label <> ''),
    parent_id  text references disposition,
    position   integer not null default 0,
    archived   boolean not null default false
);
create index on disposition (parent_id) where parent_id is not null;
create table disposition_queue (
    disposition_id  text not null references disposition on delete cascade,
    queue_id        text not null references queue,
    primary key (disposition_id, queue_id)
);
create index on disposition_queue (queue_id);

alter table queue
    -- none: finishing ends it; optional: wrap-up where the agent asks for it; timed: for wrap_up_seconds, 0 is none;
    -- required: until the agent has said how it ended
    add column wrap_up_mode text not null default 'timed' check (wrap_up_mode in ('none', 'optional', 'timed', 'required')),
    -- of work whose agent vanished beyond their grace
    add column when_left    text not null default 'by_answer' check (when_left in ('by_answer', 'keep', 'queue', 'park')),
    add column retired_at   timestamptz;        -- nobody serves it any more; what waits goes to its account's queue

alter table contact
    add column wrap_up        text check (wrap_up in ('optional', 'timed', 'required')),   -- of its last wrap-up
    add column wrap_up_asked  boolean not null default false,                             -- the holder of a live call did
    add column disposition_id text references disposition,
    add column handed_by      uuid references agent,    -- who handed it on, and what they wrote with it
    add column handed_note    text;
create index contact_disposition on contact (disposition_id) where disposition_id is not null;

alter table screen add column active_at timestamptz not null default now();   -- when somebody last did something on it

create or replace function held_line(c contact, routed boolean) returns text language sql stable as $$
    select json_build_object('kind', 'held', 'routed', routed, 'held', json_build_object(
        'contact', c.id, 'state', c.state,
        'conversation', (select coalesce(v.folded_into, v.id) from conversation v where v.id = c.conversation_id),
        'customer', (select m.root_id from customer m where m.id = c.customer_id),
        'customer_name', (select coalesce(r.shown_name, r.name)
                            from customer m join customer r on r.id = m.root_id where m.id = c.customer_id),
        'handle', (select h.value from handle h where h.id = c.handle_id),
        'channel', c.channel, 'work_class', c.class, 'preview', c.preview, 'preview_direction', c.preview_direction,
        'unread', c.unread, 'at', json_time(c.preview_at),
        'due_at', case when c.state = 'wrapping' then json_time(c.due_at) end,
        'queue', c.queue_id,
        'wrap_up', case when c.state = 'wrapping' then c.wrap_up
                        else (select q.wrap_up_mode from queue q where q.id = c.queue_id) end))::text
$$;
