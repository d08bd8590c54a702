-- Find customers by a part of their name, company, tags or handles. pg_trgm is a trusted extension: whoever may create
-- in the database may install it.
create extension if not exists pg_trgm;

-- One text to look into. Immutable in fact: array_to_string is only declared stable, for types whose output varies.
create function search_text(name text, company text, tags text[]) returns text language sql immutable parallel safe as
$$ select lower(concat_ws(E'\n', name, company, array_to_string(tags, E'\n'))) $$;

create index customer_search on customer using gin (search_text(name, company, tags) gin_trgm_ops);
create index handle_search on handle using gin (value gin_trgm_ops);
-- Without a word: the newest.
create index customer_newest on customer (created_at desc, id desc) where root_id = id;

-- The sender asks account by account, so that the long queue of a paused one is not searched for the others.
create index outbox_account on outbox (account_id, due_at, entry_id) where state = 'queued';
