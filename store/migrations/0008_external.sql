-- What other systems say about a customer: orders, shipping, a subscription. A source answers a signed GET with lines of a
-- card; a card is kept and shown as it was last answered.

create table source (
    id             text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    title          text not null check (title <> ''),
    url            text not null,                       -- a template: {customer}, {external_id}, {phone}, {email}
    secret         text not null check (length(secret) >= 16),
    timeout_ms     integer not null default 2000 check (timeout_ms between 100 and 30000),
    cache_seconds  integer not null default 300 check (cache_seconds between 5 and 86400),
    position       integer not null default 0,
    active         boolean not null default true,
    failures       integer not null default 0,          -- in a row
    open_until     timestamptz,                         -- the circuit is open: nothing is asked until then
    revision       integer not null default 1
);

-- waiting -> fresh | failed; fresh -> stale (asking again failed: the old lines stay) | fresh; stale, failed -> fresh
create table card (
    customer_id  uuid not null references customer,     -- the root it was asked for
    source_id    text not null references source on delete cascade,
    state        text not null check (state in ('waiting', 'fresh', 'stale', 'failed')),
    body         jsonb not null default '{"lines": [], "more": 0}',
    fetched_at   timestamptz,
    problem      text,
    asked_at     timestamptz not null default clock_timestamp(),
    lease_until  timestamptz,                           -- a process is asking
    primary key (customer_id, source_id)
);
