-- Rules as their authors wrote them, comments and all, and what rules did that is done once at most.

alter table rule_draft
    add column source  text,                                            -- null: as the JSON of its body
    add column format  text not null default 'json' check (format in ('json', 'yaml'));
alter table rule_set
    add column source  text,
    add column format  text not null default 'json' check (format in ('json', 'yaml'));

-- What of a decision's effects was not done, each with the reason.
alter table decision add column undone text[] not null default '{}';

-- One answer and one task per contact and rule, however often its customer writes while it waits.
create table done_by_rule (
    contact_id   uuid not null references contact on delete cascade,
    rule         text not null,
    what         text not null check (what in ('reply', 'task')),
    decision_id  uuid not null,
    entry_id     uuid not null,
    at           timestamptz not null default clock_timestamp(),
    primary key (contact_id, rule, what)
);
