-- The rows an assignment changes, with the indexes and references that make such a change dear; nothing the bare statement does without.
create table agent_state (id uuid primary key, seq bigint not null default 0, used int not null default 0, cap int not null,
    routable boolean not null default true, idle_since timestamptz not null default clock_timestamp(), needs int[] not null) with (fillfactor = 40);
create index on agent_state (idle_since) where routable and used < cap;
create table contact (id uuid primary key, customer_id uuid not null default gen_random_uuid(), conversation_id uuid not null, need_id int not null,
    order_key bigint not null, state text not null, fence int not null default 0, agent_id uuid references agent_state,
    arrived_at timestamptz not null default now(), state_at timestamptz not null default now(), preview text not null default '') with (fillfactor = 70);
create index waiting on contact (need_id, order_key, id) where state = 'queued';
create unique index on contact (conversation_id) where state <> 'closed';
create index on contact (agent_id) where agent_id is not null;
create index on contact (customer_id, arrived_at desc);
create index on contact (conversation_id);
create table offer (id uuid primary key, contact_id uuid not null references contact, agent_id uuid not null references agent_state,
    state text not null default 'pending', fence int not null, weight int not null default 1, created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null, ended_at timestamptz, released_at timestamptz) with (fillfactor = 70);
create unique index on offer (contact_id) where state = 'pending';
create unique index on offer (contact_id) where state = 'accepted' and released_at is null;
create index on offer (agent_id) where state = 'pending' or (state = 'accepted' and released_at is null);
create index on offer (expires_at) where state = 'pending';
create index on offer (created_at desc, id desc);
create table event (slot smallint not null, kind smallint not null, id uuid not null, seq bigint not null, xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(), body text not null, primary key (slot, kind, id, seq)) partition by list (slot);
create table event_0 partition of event for values in (0);
create table event_1 partition of event for values in (1);
create index on event (xid);
