-- Everything a profile is besides its timeline, and who is who. Every row carries the customer it was written on (a leaf);
-- a profile is read from all leaves of its root. Rows without a handle carry the root of their time.

-- `facts`: where each value comes from, by field name (custom ones as `fields.<key>`): source, by, at, verified, revision.
-- A value without a fact came with the first contact.
alter table customer
    add column placeholder        boolean not null default false,   -- nobody yet: who wrote on a shared handle
    add column shown_name         text,       -- what the profile is called where a merge decided otherwise than `name`
    add column birth_date         date,
    add column external_id        text check (external_id <> ''),   -- the company's own id of this person
    add column preferred_channels text[] not null default '{}',
    add column refused_channels   text[] not null default '{}',
    add column fields             jsonb not null default '{}',      -- custom values by key of `field`
    add column facts              jsonb not null default '{}';
create unique index customer_external_id on customer (external_id) where external_id is not null;

-- `value` is the one form by which a number is known; `form` how its channel writes it, where that differs.
alter table handle
    add column form       text,
    add column verified   boolean not null default false,   -- proven by a channel, not only told
    add column textable   boolean not null default true,
    add column names      text[] not null default '{}',     -- names seen with it, to notice that many people use it
    add column speaks_as  uuid references customer;         -- shared: the leaf its latest conversation belongs to
update handle set verified = true where customer_id is not null;
alter table link add column by_agent uuid references agent;

-- conversations ---------------------------------------------------------------------------------------------------

-- `folded_into` is always the conversation that is shown in its place, never a folded one.
create unique index one_open_per_leaf on conversation (customer_id) where status <> 'closed';
create index conversation_folded on conversation (folded_into) where folded_into is not null;
create index contact_handle on contact (handle_id, arrived_at desc);

create table topic (
    id          uuid primary key,
    parent_id   uuid references topic check (parent_id <> id),
    name        text not null check (name <> ''),
    archived_at timestamptz,
    unique nulls not distinct (parent_id, name)
);

create table conversation_topic (
    conversation_id  uuid not null references conversation,
    topic_id         uuid not null references topic,
    at               timestamptz not null default now(),
    by_agent         uuid references agent,             -- null: a rule added it
    primary key (conversation_id, topic_id)
);
create index on conversation_topic (topic_id);

-- the profile ------------------------------------------------------------------------------------------------------

create table field (
    key         text primary key check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    label       text not null check (label <> ''),
    type        text not null check (type in ('text', 'number', 'money', 'date', 'choice', 'yes_no', 'link')),
    choices     text[] not null default '{}',
    currency    text check (currency ~ '^[A-Z]{3}$'),
    position    integer not null default 0,
    archived_at timestamptz,
    check ((type = 'choice') = (cardinality(choices) > 0)),
    check ((type = 'money') = (currency is not null))
);

create table segment (
    id          text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name        text not null check (name <> ''),
    condition   jsonb not null
);

create table address (
    id           uuid primary key,
    customer_id  uuid not null references customer,
    label        text,
    street       text,
    city         text,
    postal_code  text,
    region       text,
    country      text check (country ~ '^[A-Z]{2}$'),
    main         boolean not null default false,
    revision     integer not null default 1,
    at           timestamptz not null default clock_timestamp(),
    by_agent     uuid references agent,
    removed_at   timestamptz
);
create index on address (customer_id) where removed_at is null;

create table detail (
    id           uuid primary key,
    customer_id  uuid not null references customer,
    body         text not null check (body <> ''),
    revision     integer not null default 1,
    at           timestamptz not null default clock_timestamp(),
    by_agent     uuid references agent,
    removed_at   timestamptz
);
create index on detail (customer_id, at desc) where removed_at is null;

-- `label` is read from the customer to the other, `back` from the other to the customer: mother / child.
create table relationship_type (
    id          text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    label       text not null check (label <> ''),
    back        text not null check (back <> ''),
    archived_at timestamptz
);

create table relationship (
    id           uuid primary key,
    customer_id  uuid not null references customer,
    other_id     uuid not null references customer,
    type_id      text not null references relationship_type,
    at           timestamptz not null default clock_timestamp(),
    by_agent     uuid references agent,
    removed_at   timestamptz,
    check (customer_id <> other_id)
);
create unique index one_relationship on relationship (customer_id, other_id, type_id) where removed_at is null;
create index on relationship (other_id) where removed_at is null;

-- An entry of another customer's timeline, kept in view on this one's profile.
create table pin (
    id           uuid primary key,
    customer_id  uuid not null references customer,
    entry_id     uuid not null references entry,
    at           timestamptz not null default clock_timestamp(),
    by_agent     uuid references agent,
    unique (customer_id, entry_id)
);

create table task (
    id               uuid primary key,
    customer_id      uuid not null references customer,
    conversation_id  uuid references conversation,
    body             text not null check (body <> ''),
    due_at           timestamptz,
    agent_id         uuid references agent,
    queue_id         text references queue,
    state            text not null default 'open' check (state in ('open', 'done', 'cancelled')),
    revision         integer not null default 1,
    at               timestamptz not null default clock_timestamp(),
    by_agent         uuid references agent,
    ended_at         timestamptz,
    ended_by         uuid references agent,
    check ((state = 'open') = (ended_at is null)),
    check (num_nonnulls(agent_id, queue_id) = 1)
);
create index task_customer on task (customer_id, at desc);
create index task_agent on task (agent_id, due_at, id) where state = 'open';
create index task_queue on task (queue_id, due_at, id) where state = 'open';

create table viewed (
    agent_id     uuid not null references agent,
    customer_id  uuid not null references customer,
    at           timestamptz not null default clock_timestamp(),
    primary key (agent_id, customer_id)
);
create index on viewed (agent_id, at desc);

-- The profile as it was on the agent's screen at accept: the frame's bytes, compressed by zlib.
create table seen_at_accept (
    contact_id   uuid not null references contact,
    agent_id     uuid not null references agent,
    offer_id     uuid primary key references offer,
    at           timestamptz not null default clock_timestamp(),
    frame        bytea not null
);
create index on seen_at_accept (contact_id, at desc);

-- who is who -------------------------------------------------------------------------------------------------------

-- A merge is a link from the root that was to the root that is. It ends by `undone_at`; ended ones stay as history.
create table merge (
    id           uuid primary key,
    survivor_id  uuid not null references customer,
    loser_id     uuid not null references customer,
    moved_ids    uuid[] not null,                       -- all leaves that changed their root
    choices      jsonb not null default '{}',           -- field -> 'survivor' | 'loser', where the rule was overruled
    rule         text not null,                         -- by_hand, identified, moved, proven_together
    evidence     jsonb not null default '{}',
    at           timestamptz not null default clock_timestamp(),
    by_agent     uuid references agent,                 -- null: by policy
    undone_at    timestamptz,
    undone_by    uuid references agent,
    check (survivor_id <> loser_id)
);
create unique index one_live_merge on merge (loser_id) where undone_at is null;
create index on merge (survivor_id);

create table never_link (
    low_id   uuid not null references customer,
    high_id  uuid not null references customer,
    at       timestamptz not null default clock_timestamp(),
    by_agent uuid references agent,
    primary key (low_id, high_id),
    check (low_id < high_id)
);
create index on never_link (high_id);

-- Two customers who may be one person. `matched`: the fields that speak for it, with both values.
create table suggestion (
    id       uuid primary key,
    low_id   uuid not null references customer,
    high_id  uuid not null references customer,
    score    real not null check (score between 0 and 1),
    matched  jsonb not null,
    state    text not null default 'open' check (state in ('open', 'merged', 'dismissed', 'outdated')),
    at       timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    ended_by uuid references agent,
    check (low_id < high_id),
    unique (low_id, high_id)
);
create index on suggestion (high_id) where state = 'open';
create index on suggestion (low_id) where state = 'open';

-- Customers whose likeness to others must be looked at again; a row is taken with SKIP LOCKED and deleted.
create table likeness_due (
    customer_id  uuid primary key references customer,
    at           timestamptz not null default clock_timestamp()
);

-- Who changed what: append-only, in the change's own transaction.
create table audit (
    id           uuid primary key,
    at           timestamptz not null default clock_timestamp(),
    actor_id     uuid,                                  -- null: the product by itself, by policy
    action       text not null,
    customer_id  uuid,
    subject      jsonb not null default '{}'            -- ids and field names, never values
);
create index on audit (customer_id, at desc);
create index on audit (at desc, id desc);
create function audit_is_append_only() returns trigger language plpgsql as
$$ begin raise exception 'the audit trail is append-only' using errcode = 'SP002'; end $$;
create trigger audit_append_only before update or delete on audit
    for each row execute function audit_is_append_only();

-- The answer to a write that named an idempotency key, for whoever repeats it.
create table idempotency (
    agent_id   uuid not null references agent,
    key        text not null,
    request    bytea not null,                          -- SHA-256 of method, path and body
    status     integer,
    body       bytea,
    headers    jsonb not null default '{}',
    at         timestamptz not null default clock_timestamp(),
    primary key (agent_id, key)
);
create index on idempotency (at);
