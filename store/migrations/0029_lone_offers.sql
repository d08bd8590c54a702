-- A contact that waits alone is offered by one statement, which changes three rows that have much to keep true. What
-- PostgreSQL asks of such a row at every statement is held here for less: the type of a column is asked where that
-- column is set, and its condition is kept ready; that of a table is read from text each time, and a list written as one
-- value is a shorter text. The conditions are the same as before.

create domain contact_class as text check (value = any ('{voice,messaging,mail,voicemail}'));
create domain direction as text check (value = any ('{in,out}'));
create domain wrap_up_kind as text check (value = any ('{optional,timed,required}'));
create domain offer_state as text check (value = any ('{pending,accepted,declined,timed_out,rescinded}'));
create domain seat_count as smallint check (value between 1 and 20);
create domain offer_weight as integer check (value > 0);
create domain presence as text check (value = any ('{available,away,offline}'));
create domain tally as integer check (value >= 0);

-- contact ---------------------------------------------------------------------------------------------------------

drop trigger contact_left_holder on contact;
drop trigger text_during_call on contact;
alter table contact
    drop constraint contact_check,
    drop constraint contact_check1,
    drop constraint contact_check2,
    drop constraint contact_state_check,
    drop constraint contact_class_check,
    drop constraint contact_preview_direction_check,
    drop constraint contact_wrap_up_check,
    alter column class type contact_class,
    alter column preview_direction type direction,
    alter column wrap_up type wrap_up_kind,
    add constraint contact_state_check check
        (state = any ('{new,queued,offered,assigned,wrapping,parked,abandoned,closed}')),
    add constraint contact_holder_check check ((agent_id is null) = (state <> all ('{assigned,wrapping,parked}'))),
    add constraint contact_need_check check (unrouted or need_id is not null or state <> all ('{queued,offered}')),
    add constraint contact_steps_check check (num_nulls(steps, step_at) <> 1);
create trigger text_during_call before insert on contact for each row
    when (new.class = 'messaging' and new.state = 'new') execute function text_waits_for_call();

-- A contact that nobody holds is not looked at closer.
create or replace function withdraw_handover() returns trigger language plpgsql as $$
begin
    if new.agent_id is distinct from old.agent_id or new.state not in ('assigned', 'parked') then
        update handover
           set ended_at = clock_timestamp(), outcome = 'withdrawn',
               reason = case when new.state in ('wrapping', 'abandoned', 'closed') then 'ended' else 'moved' end
         where contact_id = new.id and ended_at is null;
    end if;
    return null;
end $$;
create trigger contact_left_holder after update of agent_id, state on contact for each row
    when (old.agent_id is not null) execute function withdraw_handover();

-- One index for both classes of which a conversation has one live contact; two that no query used.
drop index one_live_messaging_contact, one_live_mail_contact, contact_handle, contact_disposition;
create unique index one_live_contact on contact (conversation_id, class)
    where class = any ('{messaging,mail}') and state <> all ('{abandoned,closed}');

-- offer -----------------------------------------------------------------------------------------------------------

alter table offer
    drop constraint offer_check,
    drop constraint offer_check1,
    drop constraint offer_state_check,
    drop constraint offer_seats_check,
    drop constraint offer_weight_check,
    alter column state type offer_state,
    alter column seats type seat_count,
    alter column weight type offer_weight,
    add constraint offer_ended_check check ((state = 'pending') = (ended_at is null)),
    add constraint offer_released_check check (released_at is null or state = 'accepted');

-- agent_state -----------------------------------------------------------------------------------------------------

drop trigger agent_changed on agent_state;
drop index agent_free;
alter table agent_state
    drop constraint agent_state_counts_check,
    drop constraint agent_state_presence_check,
    drop column routable,
    alter column presence type presence,
    alter column used_voice type tally,
    alter column used_messaging type tally,
    alter column used_mail type tally,
    alter column used_voicemail type tally,
    alter column cap_voice type tally,
    alter column cap_messaging type tally,
    alter column cap_mail type tally,
    alter column cap_voicemail type tally,
    alter column cap_total type tally,
    alter column cap_tasks type tally,
    -- Limits beyond those of a class: of all classes together, or of one queue.
    add column limited boolean not null default false;
alter table agent_state
    add column routable boolean generated always as (presence = 'available' and connected) stored;
-- Nothing that an offer changes stands in an index: its row is written anew in place, and thousands of offers between two
-- vacuums leave nothing behind that the next would have to walk past. Who is there is few enough to be sorted.
create index agent_routable on agent_state (agent_id) where routable;
create constraint trigger agent_changed
    after update of presence, connected, reason, cap_voice, cap_messaging, cap_mail, cap_voicemail, cap_total
    on agent_state deferrable initially deferred for each row
    when (old.presence <> new.presence or old.connected <> new.connected or old.reason is distinct from new.reason
          or old.cap_voice <> new.cap_voice or old.cap_messaging <> new.cap_messaging or old.cap_mail <> new.cap_mail
          or old.cap_voicemail <> new.cap_voicemail or old.cap_total is distinct from new.cap_total)
    execute function agent_changed('agent_id');

create function has_queue_limits(agent uuid) returns boolean language sql stable as
$$ select exists (select from agent_queue q where q.agent_id = agent and q.most is not null) $$;

create function agent_is_limited() returns trigger language plpgsql as $$
begin
    new.limited := new.cap_total is not null or has_queue_limits(new.agent_id);
    return new;
end $$;
create trigger agent_is_limited before insert or update of cap_total on agent_state for each row
    execute function agent_is_limited();

create function agent_queue_is_limited() returns trigger language plpgsql as $$
declare
    agent uuid := case tg_op when 'DELETE' then old.agent_id else new.agent_id end;
begin
    update agent_state s set limited = s.cap_total is not null or has_queue_limits(agent)
     where s.agent_id = agent and s.limited <> (s.cap_total is not null or has_queue_limits(agent));
    return null;
end $$;
create trigger agent_queue_is_limited after insert or delete or update of most on agent_queue for each row
    execute function agent_queue_is_limited();
update agent_state set limited = cap_total is not null or has_queue_limits(agent_id)
 where cap_total is not null or has_queue_limits(agent_id);

-- The half-day without arithmetic on numerics.
create or replace function event_slot(timestamptz) returns smallint language sql stable as
$$ select (date_part('epoch', $1)::bigint / 43200 % 4)::smallint $$;
