-- What is checked at each write is read and compiled by PostgreSQL at each statement, whether it concerns the statement
-- or not. The same is held here for less: an offer changes an agent's row, a contact's and its own.

-- One condition instead of ten. `least` leaves nulls out: only `cap_total` can be null.
alter table agent_state
    drop constraint agent_state_used_voice_check,
    drop constraint agent_state_used_messaging_check,
    drop constraint agent_state_used_mail_check,
    drop constraint agent_state_used_voicemail_check,
    drop constraint agent_state_cap_voice_check,
    drop constraint agent_state_cap_messaging_check,
    drop constraint agent_state_cap_mail_check,
    drop constraint agent_state_cap_voicemail_check,
    drop constraint agent_state_cap_tasks_check,
    drop constraint agent_state_cap_total_check,
    add constraint agent_state_counts_check check (
        least(used_voice, used_messaging, used_mail, used_voicemail,
              cap_voice, cap_messaging, cap_mail, cap_voicemail, cap_tasks, cap_total) >= 0);

-- A statement that sets none of these columns does not look at the condition.
drop trigger agent_changed on agent_state;
create constraint trigger agent_changed
    after update of presence, connected, reason, cap_voice, cap_messaging, cap_mail, cap_voicemail, cap_total
    on agent_state deferrable initially deferred for each row
    when (old.presence <> new.presence or old.connected <> new.connected or old.reason is distinct from new.reason
          or old.cap_voice <> new.cap_voice or old.cap_messaging <> new.cap_messaging or old.cap_mail <> new.cap_mail
          or old.cap_voicemail <> new.cap_voicemail or old.cap_total is distinct from new.cap_total)
    execute function agent_changed('agent_id');

drop trigger contact_placed on contact;
create trigger contact_placed before update of queue_id, order_key, priority, decision_id, sla_due_at
    on contact for each row
    when (new.queue_id is not null
          and (new.queue_id is distinct from old.queue_id or new.order_key is distinct from old.order_key
               or new.priority <> old.priority or new.decision_id is distinct from old.decision_id
               or new.sla_due_at is distinct from old.sla_due_at))
    execute function place_contact();

-- Who has read all this anyway writes it with the offer.
drop trigger offer_noted on offer;
create trigger offer_noted before insert on offer for each row
    when (new.round_at is null) execute function note_offer();
