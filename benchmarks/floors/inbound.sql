-- The durable work of one incoming message, in the plainest tables: what was seen, the raw bytes, who it is, the
-- conversation, the entry, the live contact, the event.
create table seen (account text not null, key text collate "C" not null, primary key (account, key));
create table raw_event (id uuid primary key, account text not null, key text not null, at timestamptz not null, body bytea not null);
create table customer (id uuid primary key);
create table stream (id uuid primary key, seq bigint not null default 0, last_at timestamptz not null default now()) with (fillfactor = 60);
create table handle (id uuid primary key, value text not null unique, customer_id uuid not null references customer);
create table conversation (id uuid primary key, customer_id uuid not null, status text not null, opened_at timestamptz not null default now());
create unique index on conversation (customer_id) where status <> 'closed';
create table entry (id uuid primary key, customer_id uuid not null, conversation_id uuid, at timestamptz not null, body text not null, handle_id uuid, account text);
create index on entry (customer_id, at desc, id desc);
create table contact (id uuid primary key, conversation_id uuid not null, state text not null, preview text, messages int not null default 0) with (fillfactor = 70);
create unique index on contact (conversation_id) where state <> 'closed';
create table event (id uuid not null, seq bigint not null, xid xid8 not null default pg_current_xact_id(), at timestamptz not null default now(), body text not null, primary key (id, seq));
create index on event (xid);
create table one_row (id uuid primary key, sender text not null, body text not null, at timestamptz not null default now());

create function record(p_account text, p_key text, p_sender text, p_body text, p_raw bytea, p_event text) returns boolean
language plpgsql as $$
declare h record; conv uuid; s bigint; t timestamptz; fresh uuid;
begin
    insert into seen values (p_account, p_key) on conflict do nothing;
    if not found then return false; end if;
    select id, customer_id into h from handle where value = p_sender;
    if not found then
        fresh := gen_random_uuid();
        insert into customer values (fresh);
        insert into stream (id) values (fresh);
        insert into handle values (gen_random_uuid(), p_sender, fresh) returning id, customer_id into h;
    end if;
    update stream set seq = seq + 1, last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond')
     where id = h.customer_id returning seq, last_at into s, t;
    select id into conv from conversation where customer_id = h.customer_id and status <> 'closed';
    if not found then
        insert into conversation values (gen_random_uuid(), h.customer_id, 'open') returning id into conv;
    end if;
    insert into raw_event values (gen_random_uuid(), p_account, p_key, now(), p_raw);
    insert into entry values (gen_random_uuid(), h.customer_id, conv, t, p_body, h.id, p_account);
    update contact set messages = messages + 1, preview = p_body where conversation_id = conv and state <> 'closed';
    if not found then
        insert into contact values (gen_random_uuid(), conv, 'new', p_body, 1);
    end if;
    insert into event (id, seq, body) values (h.customer_id, s, p_event);
    return true;
end $$;
