-- Reports about messages of ours that name them as their provider does, and come before we know that name: while the
-- answer to the request is on its way, or was not recorded yet. They are applied as soon as the name is known. What still
-- waits after an hour is about a message that did not leave from here.
create table receipt_early (
    account_id   text not null references account on delete cascade,
    key          text not null,
    provider_id  text not null,
    status       text not null,
    error        text,
    at           timestamptz not null default clock_timestamp(),
    primary key (account_id, key)
);
create index on receipt_early (at);
