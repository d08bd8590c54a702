-- What a message holds besides words, what became of it since it was said, and the files that came with it.

alter table entry
    add column content     jsonb,
    add column provider_id text collate "C",        -- what its channel calls it: changes and answers name it so
    add column in_reply_to text collate "C";        -- what its channel calls the message it answers
create index entry_provider on entry (account_id, provider_id) where provider_id is not null;

alter table outbox
    alter column conversation_id drop not null,     -- what was said for us elsewhere may stand in none
    add column content     jsonb,
    add column in_reply_to text collate "C",
    add column files       uuid[] not null default '{}',
    add column left_at     timestamptz;             -- when the provider was asked last

-- An entry is never updated: what it is now, where that differs, stands here.
create table entry_state (
    entry_id   uuid primary key,
    body       text,
    edited_at  timestamptz,
    unsent_at  timestamptz,
    reactions  jsonb,
    media      jsonb
) with (fillfactor = 70);

-- Reactions, edits and what was taken back, as they came; for ever, so that what it was before is known. They may arrive
-- before the message: `entry_id` is null until then.
create table entry_change (
    id          uuid primary key,
    account_id  text not null,
    target      text collate "C" not null,
    kind        text not null check (kind in ('reaction', 'edited', 'unsent')),
    by_value    text not null,                      -- whose handle: a person has one reaction
    emoji       text,
    body        text,
    occurred_at timestamptz,
    at          timestamptz not null default clock_timestamp(),
    entry_id    uuid,
    check ((kind = 'edited') = (body is not null))
);
create index on entry_change (account_id, target);
create index on entry_change (entry_id) where entry_id is not null;
create index entry_change_early on entry_change (at) where entry_id is null;

-- A file of an entry, or one uploaded for a reply that is not written yet. `data` until it lies in the store at `path`.
-- pending -> stored | failed | refused
create table attachment (
    id           uuid primary key,
    entry_id     uuid,
    account_id   text,
    author_id    uuid references agent,             -- who uploaded it: nobody else may use it
    position     smallint not null default 0,
    name         text,
    content_type text not null,
    content_id   text,
    url          text,
    state        text not null check (state in ('pending', 'stored', 'failed', 'refused')),
    error        text,
    size         bigint,
    data         bytea,
    path         text unique,
    attempts     integer not null default 0,
    fence        integer not null default 0,
    due_at       timestamptz not null default now(),
    created_at   timestamptz not null default now(),
    check (state <> 'stored' or size is not null),
    check (entry_id is not null or author_id is not null)
);
create index on attachment (entry_id) where entry_id is not null;
create index attachment_due on attachment (due_at) where state = 'pending' or data is not null;
create index attachment_unused on attachment (created_at) where entry_id is null;

-- Until when a customer may be answered freely, where the channel sets an end: moved on by each of their messages.
create table reply_window (
    handle_id   uuid not null,
    account_id  text not null,
    closes_at   timestamptz not null,
    primary key (handle_id, account_id)
) with (fillfactor = 70);

create unique index one_live_mail_contact on contact (conversation_id)
    where class = 'mail' and state not in ('abandoned', 'closed');
