-- Who may be whom: what a contact claims, and what the search for likely duplicates looks into.

-- A handle that is said to be this customer's and is not: only told, or proven and kept apart for the reason in `why`.
create table claim (
    id           uuid primary key,
    customer_id  uuid not null references customer,
    kind         text not null check (kind in ('phone', 'email', 'social', 'external_id')),
    scope        text not null default '',
    value        text not null,
    proven       boolean not null,
    why          text,
    evidence     jsonb not null default '{}',
    at           timestamptz not null default clock_timestamp(),
    unique (customer_id, kind, scope, value)
);
create index on claim (kind, scope, value);

-- Names and e-mail addresses as they are compared (`profiles.names`), apart from `customer`: recording a contact pays for
-- none of these indexes. `locals`: what stands before the @ of personal addresses.
create table portrait (
    customer_id  uuid primary key references customer,     -- a leaf
    name         text not null,
    words        text[] not null,
    locals       text[] not null
);
create index portrait_name on portrait using gin (name gin_trgm_ops);
create index portrait_words on portrait using gin (words);
create index portrait_locals on portrait using gin (locals);
create index customer_birth_date on customer (birth_date) where birth_date is not null;
create index address_postal_code on address (postal_code) where removed_at is null and postal_code is not null;

-- A customer may stand here several times. With a unique key a writer would wait for another's uncommitted row while it
-- holds the customer's lock; and no foreign key, because recording a contact pays for it.
alter table likeness_due drop constraint likeness_due_pkey, drop constraint likeness_due_customer_id_fkey;
create index on likeness_due (at);

-- Being looked at by a process. Apart, so that whoever changes a customer meanwhile is not waited for and not lost.
create table likeness_lease (
    customer_id  uuid primary key,
    lease_until  timestamptz not null
);
create index on likeness_lease (lease_until);

-- Writers that change who somebody is put the customer into `likeness_due` themselves; triggers do it where a writer
-- knows nothing of likeness: recording, merging, filling a database. They fire only where there is something to compare.
create function look_at_likeness() returns trigger language plpgsql as $$
begin
    insert into likeness_due (customer_id) values (new.id);
    return null;
end $$;
create trigger likeness_customer_new after insert on customer for each row
    when (not new.placeholder and (new.name is not null or new.company is not null or new.birth_date is not null))
    execute function look_at_likeness();
create trigger likeness_customer_changed after update of name, company, location, birth_date, external_id, placeholder
    on customer for each row
    when ((new.name, new.company, new.location, new.birth_date, new.external_id, new.placeholder)
          is distinct from (old.name, old.company, old.location, old.birth_date, old.external_id, old.placeholder))
    execute function look_at_likeness();

create function look_at_owner() returns trigger language plpgsql as $$
begin
    insert into likeness_due (customer_id) values (new.customer_id);
    return null;
end $$;
create trigger likeness_handle_new after insert on handle for each row
    when (new.customer_id is not null) execute function look_at_owner();
-- From nobody to somebody is a first contact, whose customer is new anyway; but somebody may have claimed the handle.
create function look_at_claimants() returns trigger language plpgsql as $$
begin
    insert into likeness_due (customer_id)
    select l.customer_id from claim l where l.kind = new.kind and l.scope = new.scope and l.value = new.value;
    return null;
end $$;
create trigger likeness_handle_owned after update of customer_id on handle for each row
    when (old.customer_id is null and new.customer_id is not null) execute function look_at_claimants();
create trigger likeness_handle_moved after update of customer_id on handle for each row
    when (old.customer_id is not null and new.customer_id is not null and new.customer_id <> old.customer_id)
    execute function look_at_owner();
create trigger likeness_handle_named after update of names on handle for each row
    when (new.customer_id is not null and new.customer_id is not distinct from old.customer_id
          and new.names is distinct from old.names)
    execute function look_at_owner();
create trigger likeness_address after insert or update on address for each row execute function look_at_owner();

create function look_at_both() returns trigger language plpgsql as $$
begin
    insert into likeness_due (customer_id) values (new.survivor_id), (new.loser_id);
    return null;
end $$;
create trigger likeness_merge after insert or update of undone_at on merge for each row execute function look_at_both();
create function look_at_pair() returns trigger language plpgsql as $$
begin
    insert into likeness_due (customer_id) values (coalesce(new.low_id, old.low_id));
    return null;
end $$;
create trigger likeness_never after insert or delete on never_link for each row execute function look_at_pair();
