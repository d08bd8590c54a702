-- The rows an assignment changes, with the indexes that make such a change dear; only what the bare statement needs.
create table agent_state (id uuid primary key, seq bigint not null default 0, used int not null default 0, cap int not null,
    routable boolean not null default true, idle_since timestamptz not null default clock_timestamp(), needs int[] not null) with (fillfactor = 40);
create index on agent_state (idle_since) where routable and used < cap;
create table contact (id uuid primary key, conversation_id uuid not null, need_id int not null, order_key bigint not null, state text not null,
    fence int not null default 0, agent_id uuid, preview text not null default '') with (fillfactor = 70);
create index waiting on contact (need_id, order_key, id) where state = 'queued';
create unique index on contact (conversation_id) where state <> 'closed';
create index on contact (agent_id) where agent_id is not null;
create table offer (id uuid primary key, contact_id uuid not null references contact, agent_id uuid not null, state text not null default 'pending',
    fence int not null, weight int not null default 1, created_at timestamptz not null default clock_timestamp(), expires_at timestamptz not null) with (fillfactor = 70);
create unique index on offer (contact_id) where state = 'pending';
create index on offer (agent_id) where state = 'pending';
create index on offer (expires_at) where state = 'pending';
create index on offer (created_at desc, id desc);
create table event (kind smallint not null, id uuid not null, seq bigint not null, xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(), body text not null, primary key (kind, id, seq));
create index on event (xid);
