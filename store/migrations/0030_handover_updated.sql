-- Who is asked to take a contact over sees what is written there meanwhile, as those do to whom one rings.

-- Append to the feed of each agent concerned by these contacts (which the caller has locked): the new preview of an
-- offer or a handover, the new line of My Customers, or that a parked contact went back to the queue.
create or replace function tell_agents(p_contacts uuid[]) returns table (id uuid, seq bigint) language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with w as (
        select o.agent_id, c.id,
               json_build_object('kind', 'offer_updated', 'offer', o.id, 'preview', c.preview, 'messages', c.messages)::text as body
          from contact c join offer o on o.contact_id = c.id and o.state = 'pending'
         where c.id = any (p_contacts) and c.state = 'offered'
        union all
        select h.agent_id, c.id,
               json_build_object('kind', 'handover_updated', 'handover', h.id, 'preview', c.preview, 'messages', c.messages)::text
          from contact c join handover h on h.contact_id = c.id and h.ended_at is null
         where c.id = any (p_contacts)
        union all
        select c.agent_id, c.id, held_line(c, false) from contact c
         where c.id = any (p_contacts) and c.agent_id is not null
        union all
        select c.prefer_agent_id, c.id,
               json_build_object('kind', 'contact_ended', 'contact', c.id, 'reason', 'queued')::text
          from contact c
         where c.id = any (p_contacts) and c.state = 'queued' and c.prefer_agent_id is not null),
    n as (select w.agent_id, count(*) as lines from w group by w.agent_id),
    k as (
        select a.agent_id from agent_state a where a.agent_id in (select n.agent_id from n)
         order by a.agent_id for no key update),
    s as (
        update agent_state a set seq = a.seq + n.lines from k join n on n.agent_id = k.agent_id
         where a.agent_id = k.agent_id
        returning a.agent_id, a.seq, a.seq - n.lines as first_seq),
    v as (
        insert into event (slot, kind, id, seq, at, body)
        select event_slot(now()), 3, w.agent_id,
               s.first_seq + row_number() over (partition by w.agent_id order by w.id), now(), w.body
          from w join s on s.agent_id = w.agent_id)
    select s.agent_id, s.seq from s;
end $$;
