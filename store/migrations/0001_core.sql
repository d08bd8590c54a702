-- Lock order, everywhere: seen, handle (kind, scope, value), customer stream, contact, offer, queue, agent_state; each
-- level sorted. Rows locked by this order carry no foreign keys from entry or event, so that appending never waits for them.

-- Times inside JSON: RFC 3339, UTC, microseconds. Stable and SQL, so that it is inlined.
create function json_time(timestamptz) returns text language sql stable as
$$ select to_char($1 at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- The half-day ring of `event`; slots repeat after two days.
create function event_slot(timestamptz) returns smallint language sql stable as
$$ select (extract(epoch from $1)::bigint / 43200 % 4)::smallint $$;

-- The ring of `raw_event`, ten days a slot: a body is kept at least 30 days.
create function raw_slot(timestamptz) returns smallint language sql stable as
$$ select (extract(epoch from $1)::bigint / 864000 % 5)::smallint $$;

create table ring (
    name    text primary key,
    turned  bigint not null          -- the last period whose next slot was emptied
);
insert into ring values ('event', -1), ('raw_event', -1);

-- configuration ---------------------------------------------------------------------------------------------------

create table queue (
    id                      text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name                    text not null,
    auto_accept             boolean not null default false,
    offer_seconds           integer not null default 20 check (offer_seconds between 5 and 120),
    wrap_up_seconds         integer not null default 0 check (wrap_up_seconds between 0 and 3600),
    park_after_seconds      integer not null default 900 check (park_after_seconds between 1 and 86400),
    priority_bonus_seconds  integer not null default 120 check (priority_bonus_seconds >= 0)
);

create table account (
    id          text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    channel     text not null,
    provider    text not null,
    address     text not null,
    secrets     text[] not null check (cardinality(secrets) > 0 and '' <> all (secrets)),
    region      text not null check (region ~ '^[A-Z]{2}$'),
    public_url  text not null,
    settings    jsonb not null default '{}',
    queue_id    text not null references queue,     -- the default queue: a failing rule ends here
    paused_until timestamptz,                       -- the provider said 429 or failed: sending rests until then
    created_at  timestamptz not null default now()
);

create table agent (
    id          uuid primary key,
    name        text not null,
    role        text not null check (role in ('agent', 'supervisor', 'admin', 'service')),
    active      boolean not null default true,
    created_at  timestamptz not null default now()
);

create table token (
    hash        bytea primary key,                  -- SHA-256 of 256 random bits; the token itself is nowhere
    agent_id    uuid not null references agent,
    label       text not null default '',
    created_at  timestamptz not null default now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);
create index on token (agent_id);

create table ticket (
    hash        bytea primary key,
    agent_id    uuid not null references agent,
    token_hash  bytea not null references token on delete cascade,
    expires_at  timestamptz not null
);
create index on ticket (expires_at);

create table agent_queue (
    agent_id    uuid not null references agent,
    queue_id    text not null references queue,
    primary key (agent_id, queue_id)
);
create index on agent_queue (queue_id);

create table rule_set (
    version      integer generated always as identity primary key,
    body         jsonb not null,
    published_at timestamptz not null default now(),
    published_by uuid references agent
);

-- who -------------------------------------------------------------------------------------------------------------

create table customer (
    id          uuid primary key,
    root_id     uuid not null references customer,  -- own id unless merged
    name        text,
    company     text,
    location    text,
    language    text,
    time_zone   text,
    plan        text,
    tags        text[] not null default '{}',
    created_at  timestamptz not null default now()
);
create index on customer (root_id);

-- The root customer's row is the customer's lock, counter and clock. fillfactor: every change is HOT.
create table stream (
    kind     smallint not null check (kind = 1),
    id       uuid not null,
    seq      bigint not null default 0 check (seq >= 0),
    last_at  timestamptz not null default now(),
    primary key (id, kind)                          -- id first: without statistics `kind = 1` alone looks selective
) with (fillfactor = 60);

create table handle (
    id           uuid primary key,
    kind         text not null check (kind in ('phone', 'email', 'social')),
    scope        text not null default '',
    value        text not null check (value <> ''),
    customer_id  uuid references customer,          -- a leaf; null only between its birth and its owner's, or shared
    shared       boolean not null default false,
    label        text,
    main         boolean not null default false,
    created_at   timestamptz not null default now(),
    unique (kind, scope, value),
    check (not (shared and customer_id is not null))
);
create index on handle (customer_id) where customer_id is not null;

-- Why a handle belongs to a customer: one row per decision, never changed.
create table link (
    id           uuid primary key,
    handle_id    uuid not null references handle,
    customer_id  uuid not null references customer,
    rule         text not null,
    evidence     jsonb not null,
    at           timestamptz not null default now()
);
create index on link (handle_id);
create index on link (customer_id);

create table consent (
    handle_id   uuid not null references handle,
    account_id  text not null references account,
    opted_out   boolean not null,
    at          timestamptz not null default now(),
    primary key (handle_id, account_id)
);

-- what happened ---------------------------------------------------------------------------------------------------

-- Every provider event ever taken, for ever: narrow, never partitioned. The unique key is the deduplication.
create table seen (
    account_id  text not null,
    key         text collate "C" not null,
    primary key (account_id, key)
);

create table raw_event (
    slot         smallint not null,
    id           uuid not null,
    account_id   text not null,
    key          text,
    received_at  timestamptz not null,
    step         text,
    query        text not null,
    content_type text,
    body         bytea not null,
    primary key (slot, id)
) partition by list (slot);
create table raw_event_0 partition of raw_event for values in (0);
create table raw_event_1 partition of raw_event for values in (1);
create table raw_event_2 partition of raw_event for values in (2);
create table raw_event_3 partition of raw_event for values in (3);
create table raw_event_4 partition of raw_event for values in (4);

-- Verified but not understood, or understood and impossible to record: kept whole until someone replays it.
create table dead_letter (
    id           uuid primary key,
    account_id   text not null references account,
    received_at  timestamptz not null default now(),
    digest       bytea not null,                    -- of step, query and body: a replay of the same bytes is one row
    step         text,
    query        text not null,
    content_type text,
    body         bytea not null,
    reason       text not null,
    field        text,
    unique (account_id, digest)
);
create index on dead_letter (received_at desc, id desc);

create table conversation (
    id           uuid primary key,
    customer_id  uuid not null references customer, -- the leaf it was opened on
    profile_id   uuid not null,                     -- the root while open
    status       text not null check (status in ('new', 'open', 'waiting', 'closed')),
    folded_into  uuid references conversation,
    needs_attention boolean not null default false, -- the customer's last word has no answer yet
    opened_at    timestamptz not null,
    closed_at    timestamptz,
    check ((status = 'closed') = (closed_at is not null))
);
-- INV3: at most one open conversation per customer.
create unique index one_open_conversation on conversation (profile_id) where status <> 'closed' and folded_into is null;
create index on conversation (customer_id, opened_at desc);

-- Never updated. The leaf of the handle it came on; rows without a handle carry the root.
create table entry (
    id               uuid not null primary key,
    customer_id      uuid not null,
    conversation_id  uuid,
    at               timestamptz not null,
    kind             text not null check (kind in
                       ('message', 'note', 'status', 'call', 'voicemail', 'task', 'consent')),
    channel          text,
    direction        text check (direction in ('in', 'out')),
    body             text not null,
    handle_id        uuid,
    account_id       text,
    author_id        uuid,
    occurred_at      timestamptz,
    media            jsonb
);
create index entry_timeline on entry (customer_id, at desc, id desc);

-- What became of an outgoing entry; its insert stands in the entry's own transaction.
-- queued -> sending -> sent -> delivered -> read; sending -> queued (busy) | failed | unknown; failed, unknown -> queued (retry)
create table outbox (
    entry_id         uuid primary key,
    customer_id      uuid not null,                 -- the leaf, to find the root's stream
    conversation_id  uuid not null,
    account_id       text not null references account,
    to_address       text not null,
    body             text not null,
    at               timestamptz not null,
    state            text not null check (state in
                       ('queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown')),
    attempts         integer not null default 0,
    fence            integer not null default 0,
    due_at           timestamptz not null default now(),
    deadline_at      timestamptz not null default now() + interval '1 hour',
    lease_until      timestamptz,
    provider_id      text,
    error            text,
    check ((state = 'sending') = (lease_until is not null))
);
create index outbox_order on outbox (conversation_id, at, entry_id) where state in ('queued', 'sending');
create index outbox_due on outbox (due_at) where state = 'queued';
create index outbox_lease on outbox (lease_until) where state = 'sending';
create unique index outbox_provider on outbox (account_id, provider_id) where provider_id is not null;

-- who takes it ----------------------------------------------------------------------------------------------------

-- A distinct requirement of waiting work, interned; agents carry the ids they can serve.
create table need (
    id        integer generated always as identity primary key,
    queue_id  text not null references queue,
    class     text not null check (class in ('voice', 'messaging', 'mail')),
    weight    integer not null default 1 check (weight > 0),
    skills    text[] not null default '{}',
    unique (queue_id, class, weight, skills)
);

create table agent_state (
    agent_id        uuid primary key references agent,
    seq             bigint not null default 0,      -- the agent's feed
    last_at         timestamptz not null default now(),
    presence        text not null default 'offline' check (presence in ('available', 'away', 'offline')),
    reason          text,
    presence_at     timestamptz not null default now(),
    connected       boolean not null default false, -- some screen of theirs is leased by a living process
    gone_at         timestamptz,                    -- since when no screen is connected, while grace still runs
    routable        boolean generated always as (presence = 'available' and connected) stored,
    idle_since      timestamptz not null default now(),
    used_voice      integer not null default 0 check (used_voice >= 0),
    used_messaging  integer not null default 0 check (used_messaging >= 0),
    used_mail       integer not null default 0 check (used_mail >= 0),
    cap_voice       integer not null default 1 check (cap_voice >= 0),
    cap_messaging   integer not null default 4 check (cap_messaging >= 0),
    cap_mail        integer not null default 2 check (cap_mail >= 0),
    needs           integer[] not null default '{}'
) with (fillfactor = 40);
create index agent_free on agent_state (idle_since)
    where routable and (used_voice < cap_voice or used_messaging < cap_messaging or used_mail < cap_mail);
create index agent_gone on agent_state (gone_at) where gone_at is not null;

create table gateway_process (
    id          uuid primary key,
    started_at  timestamptz not null default now(),
    expires_at  timestamptz not null
);

create table screen (
    id          uuid primary key,
    agent_id    uuid not null references agent,
    process_id  uuid not null references gateway_process on delete cascade,
    at          timestamptz not null default now()
);
create index on screen (agent_id);
create index on screen (process_id);

-- new -> queued; queued -> offered | assigned (auto) | abandoned | closed; offered -> assigned | queued | abandoned | closed;
-- assigned -> wrapping | parked | queued | abandoned | closed; wrapping -> assigned (messaging) | closed;
-- parked -> assigned | queued | closed. `fence` rises with every return to queued.
create table contact (
    id               uuid primary key,
    customer_id      uuid not null,                 -- the leaf
    conversation_id  uuid not null references conversation,
    account_id       text not null references account,
    handle_id        uuid not null,                 -- the handle the customer used last
    channel          text not null,
    class            text not null check (class in ('voice', 'messaging', 'mail')),
    state            text not null default 'new' check (state in
                       ('new', 'queued', 'offered', 'assigned', 'wrapping', 'parked', 'abandoned', 'closed')),
    fence            integer not null default 0,
    unrouted         boolean not null default true, -- rules must run: it is new, or the customer wrote while it waited
    queue_id         text references queue,
    need_id          integer references need,
    priority         integer not null default 0,
    order_key        bigint,                        -- arrival in µs less priority x bonus: ageing made static
    decision_id      uuid,
    agent_id         uuid references agent,         -- who holds it: exactly while assigned, wrapping or parked
    prefer_agent_id  uuid references agent,         -- offered to them first, until prefer_until
    prefer_until     timestamptz,
    declined_by      uuid[] not null default '{}',
    declined_until   timestamptz,
    shown            boolean not null default true, -- false from an auto-accept until a screen shows the profile
    arrived_at       timestamptz not null,
    state_at         timestamptz not null default now(),
    due_at           timestamptz,                   -- wrap-up ends, parking begins, or `shown` is overdue
    preview          text not null default '',
    preview_direction text check (preview_direction in ('in', 'out')),
    preview_at       timestamptz not null default now(),
    messages         integer not null default 0,
    unread           integer not null default 0,
    check ((agent_id is not null) = (state in ('assigned', 'wrapping', 'parked'))),
    check (state not in ('queued', 'offered') or need_id is not null or unrouted)
) with (fillfactor = 70);
create unique index one_live_messaging_contact on contact (conversation_id)
    where class = 'messaging' and state not in ('abandoned', 'closed');
-- the general lane: anyone who serves the need may take it
create index contact_waiting on contact (need_id, order_key, id)
    where state = 'queued' and prefer_agent_id is null and declined_until is null;
-- the special lane: judged one by one
create index contact_special on contact (order_key, id)
    where state = 'queued' and (prefer_agent_id is not null or declined_until is not null);
create index contact_unrouted on contact (arrived_at, id) where unrouted and state in ('new', 'queued');
create index contact_due on contact (due_at) where due_at is not null;
create index contact_agent on contact (agent_id) where agent_id is not null;
create index contact_customer on contact (customer_id, arrived_at desc);
create index contact_conversation on contact (conversation_id);

-- pending -> accepted | declined | timed_out | rescinded. An accepted offer is the hold: it keeps the weight until released.
create table offer (
    id           uuid primary key,
    contact_id   uuid not null references contact,
    agent_id     uuid not null references agent,
    seat         smallint not null default 0,
    state        text not null default 'pending' check (state in
                   ('pending', 'accepted', 'declined', 'timed_out', 'rescinded')),
    fence        integer not null,
    class        text not null,
    weight       integer not null check (weight > 0),
    auto         boolean not null default false,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    reason       text,
    released_at  timestamptz,
    check ((state = 'pending') = (ended_at is null)),
    check (released_at is null or state = 'accepted')
) with (fillfactor = 70);
-- INV9: one live offer per contact and seat, one holder.
create unique index one_live_offer on offer (contact_id, seat) where state = 'pending';
create unique index one_holder on offer (contact_id) where state = 'accepted' and released_at is null;
create index offer_live on offer (agent_id) where state = 'pending' or (state = 'accepted' and released_at is null);
create index offer_due on offer (expires_at) where state = 'pending';
create index offer_newest on offer (created_at desc, id desc);

create table decision (
    id           uuid primary key,
    contact_id   uuid not null,
    at           timestamptz not null default now(),
    version      integer,                           -- null: no rule set was published
    rule         text,                              -- null: the account's default queue
    queue_id     text not null,
    priority     integer not null,
    inputs       jsonb not null,
    alert        text                               -- a rule failed; the default queue took the contact
);
create index on decision (contact_id, at);

-- what screens follow ---------------------------------------------------------------------------------------------

-- kind: 1 customer, 3 agent. Nothing refers to hot rows; rotation truncates the slot after the current one.
create table event (
    slot  smallint not null,
    kind  smallint not null,
    id    uuid not null,
    seq   bigint not null,
    xid   xid8 not null default pg_current_xact_id(),
    at    timestamptz not null,
    body  text not null,
    primary key (slot, kind, id, seq)
) partition by list (slot);
create table event_0 partition of event for values in (0);
create table event_1 partition of event for values in (1);
create table event_2 partition of event for values in (2);
create table event_3 partition of event for values in (3);
create index event_xid on event (xid);
