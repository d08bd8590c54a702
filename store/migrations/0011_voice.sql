-- Calls. Order of locks: customer stream, contact, call (with its legs), offer, agent_state.

-- A voicemail is work of its own class: it waits for an agent, and nobody waits on the line.
alter table contact drop constraint contact_class_check;
alter table contact add constraint contact_class_check check (class in ('voice', 'messaging', 'mail', 'voicemail'));
alter table contact add column then_agent_id uuid references agent;  -- whom it is offered to when the preferred one is not to be had
alter table need drop constraint need_class_check;
alter table need add constraint need_class_check check (class in ('voice', 'messaging', 'mail', 'voicemail'));
alter table agent_state
    add column used_voicemail integer not null default 0 check (used_voicemail >= 0),
    add column cap_voicemail integer not null default 2 check (cap_voicemail >= 0);
drop index agent_free;
create index agent_free on agent_state (idle_since)
    where routable and (used_voice < cap_voice or used_messaging < cap_messaging or used_mail < cap_mail
                        or used_voicemail < cap_voicemail);

-- The course of a call, where its entry stands on the timeline.
alter table entry_state add column content jsonb;

-- What callers of an account hear and where they may go: model.voice_line.VoiceLine.
create table voice_line (
    account_id  text primary key references account,
    settings    jsonb not null default '{}'
);

-- Where an agent is rung; without a row by the client of their desk. A phone must press a digit: a mailbox cannot.
create table agent_line (
    agent_id  uuid primary key references agent,
    kind      text not null check (kind in ('client', 'phone', 'sip')),
    address   text not null check (address <> '')
);

-- menu -> waiting | voicemail | ended; waiting -> connecting | voicemail | ended; connecting -> bridged | waiting | ended;
-- bridged -> waiting | ended; voicemail -> ended; calling (ours) -> bridged | ended. The table is router/call.py.
create table call (
    id               uuid primary key,
    account_id       text not null references account,
    contact_id       uuid not null references contact,
    consult_id       uuid references contact,           -- whom the holder asks to take it over: a contact of its own
    handle_id        uuid not null,
    entry_id         uuid not null,
    voicemail_id     uuid,                              -- the entry of what was left
    direction        text not null check (direction in ('in', 'out')),
    state            text not null check (state in
                       ('menu', 'waiting', 'connecting', 'bridged', 'voicemail', 'calling', 'ended')),
    outcome          text check (outcome in ('answered', 'abandoned', 'voicemail', 'turned_away', 'unanswered')),
    conference       text,                              -- the provider's id
    menu_path        text not null default '',          -- the digits that led to where the caller is in the menu
    menu_tries       integer not null default 0,
    chosen           text[] not null default '{}',
    queue_id         text references queue,             -- what the menu chose
    on_hold          boolean not null default false,
    started_at       timestamptz not null default clock_timestamp(),
    queued_at        timestamptz,
    answered_at      timestamptz,
    ended_at         timestamptz,
    state_at         timestamptz not null default clock_timestamp(),
    overflow_at      timestamptz,                       -- until then an agent; then the voicemail
    ask_at           timestamptz not null default clock_timestamp() + interval '60 seconds',
    recording        text,                              -- the provider's id
    recording_state  text check (recording_state in ('running', 'paused', 'done', 'absent', 'failed')),
    recording_url    text,
    recorded_seconds integer,
    transcript       text,
    check ((state = 'ended') = (ended_at is not null)),
    check (state <> 'ended' or outcome is not null)
) with (fillfactor = 70);
create index call_contact on call (contact_id);
create index call_consult on call (consult_id) where consult_id is not null;
create unique index one_live_call on call (contact_id) where state <> 'ended';
create index call_overflow on call (overflow_at) where state = 'waiting';
create index call_ask on call (ask_at) where state <> 'ended';

-- wanted -> dialing -> ringing -> answered -> joined -> ended: forward only, in whatever order reports arrive.
create table call_leg (
    id          uuid primary key,
    call_id     uuid not null references call,
    role        text not null check (role in ('customer', 'agent', 'consult', 'supervisor', 'outside')),
    mode        text check (mode in ('listen', 'coach', 'join')),
    agent_id    uuid references agent,
    kind        text not null default 'phone' check (kind in ('client', 'phone', 'sip')),
    address     text not null,
    warm        boolean not null default false,         -- an outside number: the agent stays until they hang up
    contact_id  uuid references contact,                -- of whom is asked to take over: the contact that asks them
    state       text not null default 'wanted' check (state in
                  ('wanted', 'dialing', 'ringing', 'answered', 'joined', 'ended')),
    reason      text,
    sid         text,
    created_at  timestamptz not null default clock_timestamp(),
    served_at   timestamptz,                            -- when it was sent into the conference
    came_order  integer,                                -- its coming and going among all that happened there
    left_order  integer,
    due_at      timestamptz,                            -- until then it must have joined
    asked       boolean not null default false,         -- overdue, and the provider was asked where it is
    ended_at    timestamptz,
    check ((state = 'ended') = (ended_at is not null)),
    check ((role in ('agent', 'consult', 'supervisor')) = (agent_id is not null))
) with (fillfactor = 70);
create unique index call_leg_sid on call_leg (sid) where sid is not null;
create index call_leg_call on call_leg (call_id);
create unique index one_customer_leg on call_leg (call_id) where role = 'customer';
create unique index one_agent_leg on call_leg (call_id, role) where role in ('agent', 'consult', 'outside') and state <> 'ended';
create index call_leg_due on call_leg (due_at) where due_at is not null;

-- A caller who hung up before their call was recorded: that report may overtake the call itself.
create table call_early (
    account_id  text not null references account,
    sid         text not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (account_id, sid)
);
create index on call_early (at);

-- What the provider is still to do, in order for each call. Written with the change that wants it, done after COMMIT.
-- queued -> doing -> done | failed; doing -> queued (try again, or its process died)
create table call_command (
    id           uuid primary key,
    call_id      uuid not null references call,
    leg_id       uuid not null references call_leg,
    body         jsonb not null,
    state        text not null default 'queued' check (state in ('queued', 'doing', 'done', 'failed')),
    attempts     integer not null default 0,
    due_at       timestamptz not null default clock_timestamp(),
    lease_until  timestamptz,
    error        text,
    at           timestamptz not null default clock_timestamp(),
    check ((state = 'doing') = (lease_until is not null))
);
create index call_command_open on call_command (due_at) where state = 'queued';
create index call_command_lease on call_command (lease_until) where state = 'doing';
create index call_command_leg on call_command (leg_id, id) where state in ('queued', 'doing');

-- Who writes while they talk is heard by who talks with them: their message is on the timeline at once, and work of its
-- own only when the call ends without an answer. Until then the rules pass over its contact.
create index call_talking on call (contact_id) where state in ('connecting', 'bridged');
create function text_waits_for_call() returns trigger language plpgsql as $$
begin
    if exists (select from call k join contact c on c.id = k.contact_id join customer m on m.id = c.customer_id
                where k.state in ('connecting', 'bridged')
                  and m.root_id = (select n.root_id from customer n where n.id = new.customer_id)) then
        new.unrouted := false;
    end if;
    return new;
end $$;
create trigger text_during_call before insert on contact for each row
    when (new.class = 'messaging' and new.state = 'new') execute function text_waits_for_call();
