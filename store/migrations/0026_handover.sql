-- A held contact that its holder asks somebody to take over, while it stays theirs (a warm transfer of messages and mail).
-- Who is asked reserves nothing until they accept. Lock order: contact, handover, agent_state.
create table handover (
    id           uuid primary key,
    contact_id   uuid not null references contact,
    by_agent_id  uuid not null references agent,    -- who holds it
    agent_id     uuid not null references agent,    -- who is asked
    note         text,
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    outcome      text check (outcome in ('accepted', 'declined', 'timed_out', 'cancelled', 'withdrawn')),
    reason       text,
    told         boolean not null default false,    -- both agents' feeds say how it ended
    check ((ended_at is null) = (outcome is null)),
    check (not told or ended_at is not null),
    check (by_agent_id <> agent_id)
);
create unique index one_live_handover on handover (contact_id) where ended_at is null;
create index handover_asked on handover (agent_id) where ended_at is null;
create index handover_asking on handover (by_agent_id) where ended_at is null;
create index handover_due on handover (expires_at) where ended_at is null;
create index handover_untold on handover (ended_at) where ended_at is not null and not told;

-- However a contact leaves its holder, in the same transaction nobody is asked for it any more. That both agents hear of it
-- is a transaction of its own: here their rows could not be locked in order.
create function withdraw_handover() returns trigger language plpgsql as $$
begin
    update handover
       set ended_at = clock_timestamp(), outcome = 'withdrawn',
           reason = case when new.state in ('wrapping', 'abandoned', 'closed') then 'ended' else 'moved' end
     where contact_id = new.id and ended_at is null;
    return null;
end $$;
create trigger contact_left_holder after update on contact for each row
    when (old.agent_id is not null
          and (new.agent_id is distinct from old.agent_id or new.state not in ('assigned', 'parked')))
    execute function withdraw_handover();

-- What both agents are shown of it, as an event of their feeds.
create function handover_line(h handover) returns text language sql stable as $$
    select json_build_object('kind', 'handover', 'handover', h.id, 'contact', c.id, 'customer', r.id,
        'customer_name', coalesce(r.shown_name, r.name), 'handle', p.value, 'channel', c.channel,
        'account', c.account_id, 'queue', (select q.name from queue q where q.id = c.queue_id), 'preview', c.preview,
        'messages', c.messages, 'waiting_since', json_time(c.arrived_at), 'offered_at', json_time(h.created_at),
        'expires_at', json_time(h.expires_at),
        'by', (select json_build_object('id', a.id, 'name', a.name) from agent a where a.id = h.by_agent_id),
        'to', (select json_build_object('id', a.id, 'name', a.name) from agent a where a.id = h.agent_id),
        'note', h.note)::text
      from contact c join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
             join handle p on p.id = c.handle_id
     where c.id = h.contact_id
$$;
