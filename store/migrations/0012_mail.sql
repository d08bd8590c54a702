-- Mail is committed as it came, and read afterwards: what cannot be read is not lost.

-- waiting -> done | dead; a claim leases it, and a claim that ran out is taken again. For ever, without its source:
-- the unique key is what a webhook that comes again is known by.
create table mail (
    id            uuid primary key,                 -- the id its entry gets
    account_id    text not null references account,
    key           text collate "C" not null,
    received_at   timestamptz not null default clock_timestamp(),
    state         text not null default 'waiting' check (state in ('waiting', 'done', 'dead')),
    request       jsonb not null,                   -- method, path, step, query, headers: what its reading needs
    content_type  text,
    size          bigint not null,
    attempts      integer not null default 0,
    fence         integer not null default 0,
    due_at        timestamptz not null default clock_timestamp(),
    lease_until   timestamptz,
    html          text,                             -- made safe; beside the entry, for it is large
    why           text,                             -- why it was not read, or not all of it
    source_gone_at timestamptz,
    unique (account_id, key)
);
create index mail_due on mail (due_at) where state = 'waiting';
create index mail_old on mail (received_at) where source_gone_at is null;

-- What came, in pieces: none is so large that writing or reading it holds anything up. Not compressed, for most of it
-- is base64 of what is compressed already, and trying takes a second.
create table mail_piece (
    mail_id  uuid not null references mail,
    number   integer not null,
    data     bytea not null,
    primary key (mail_id, number)
);
alter table mail_piece alter column data set storage external;
