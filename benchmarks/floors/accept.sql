-- The rows an accept changes, with the indexes that make such a change dear; one agent, many offers that wait for them.
create table stream (id uuid primary key, seq bigint not null default 0, last_at timestamptz not null default now()) with (fillfactor = 60);
create table conversation (id uuid primary key, customer_id uuid not null, status text not null, opened_at timestamptz not null default now());
create unique index on conversation (customer_id) where status <> 'closed';
create table agent_state (id uuid primary key, seq bigint not null default 0, used int not null default 0) with (fillfactor = 40);
create table contact (id uuid primary key, customer_id uuid not null, conversation_id uuid not null, state text not null,
    fence int not null default 0, agent_id uuid, arrived_at timestamptz not null default now(), state_at timestamptz not null default now(),
    preview text not null default '') with (fillfactor = 70);
create unique index on contact (conversation_id) where state <> 'closed';
create index on contact (agent_id) where agent_id is not null;
create index on contact (customer_id, arrived_at desc);
create index on contact (conversation_id);
create table offer (id uuid primary key, contact_id uuid not null references contact, agent_id uuid not null, state text not null default 'pending',
    fence int not null default 0, created_at timestamptz not null default now(), expires_at timestamptz not null default now() + interval '1 day',
    ended_at timestamptz, released_at timestamptz) with (fillfactor = 70);
create unique index on offer (contact_id) where state = 'pending';
create unique index on offer (contact_id) where state = 'accepted' and released_at is null;
create index on offer (agent_id) where state = 'pending' or (state = 'accepted' and released_at is null);
create index on offer (expires_at) where state = 'pending';
create index on offer (created_at desc, id desc);
create table entry (id uuid primary key, customer_id uuid not null, conversation_id uuid, at timestamptz not null, kind text not null, body text not null, author_id uuid);
create index on entry (customer_id, at desc, id desc);
create table event (kind smallint not null, id uuid not null, seq bigint not null, xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(), body text not null, primary key (kind, id, seq));
create index on event (xid);
create table one_row (id uuid primary key, state text not null);

insert into agent_state (id) values ('00000000-0000-4000-8000-0000000000a1');
insert into stream (id) select gen_random_uuid() from generate_series(1, 20000);
insert into conversation (id, customer_id, status) select gen_random_uuid(), id, 'open' from stream;
insert into contact (id, customer_id, conversation_id, state) select gen_random_uuid(), customer_id, id, 'offered' from conversation;
insert into offer (id, contact_id, agent_id) select gen_random_uuid(), id, '00000000-0000-4000-8000-0000000000a1' from contact;
insert into one_row select id, 'pending' from offer;
analyze;
