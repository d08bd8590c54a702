-- A word of a merged customer never moves older ones into another conversation (replaces the function of 0010_record.sql).
--
-- Of a leaf beside the one whose conversation is shown, what was closed apart from that one stays closed: an event tells a
-- screen where a new entry stands, and none would tell it that those it shows already stand elsewhere.

-- Each line is its own statement, because a statement cannot see the winner of its own ON CONFLICT. Order of locks: seen,
-- handle, stream, contact, agent_state; each level sorted. Arrays are parallel, one element per event; (account, key) is
-- unique within them. `p_taken`: the caller has entered the event in `seen`. Returns what to announce:
-- ('customer' | 'agent', id, seq) for feeds, ('route', contact, null) for contacts that rules must look at.
create or replace function record_messages(
    p_account text[], p_key text[], p_handle_kind text[], p_handle_scope text[], p_handle_value text[], p_form text[],
    p_name text[], p_handle uuid[], p_customer uuid[], p_conversation uuid[], p_contact uuid[], p_entry uuid[],
    p_link uuid[], p_kind text[], p_channel text[], p_class text[], p_body text[], p_head text[], p_media text[],
    p_occurred timestamptz[], p_opted_out boolean[], p_extra jsonb[],
    p_step text[], p_query text[], p_content_type text[], p_raw bytea[],
    p_reopen_within interval, p_prefer_owner_for interval, p_taken boolean
) returns table (what text, id uuid, seq bigint) language plpgsql
-- Plans are kept, and on a new database they are made while the tables are empty: without statistics a join of arrays
-- with a table reads all of it, so tables are reached by LATERAL with LIMIT, which leaves only the index.
set enable_seqscan = off as $$
#variable_conflict use_column
declare
    b recording[]; p placement[]; t talk[]; w part[]; n numbering[]; l feed_line[];
    roots uuid[]; changing uuid[]; followed uuid[]; live uuid[]; touched uuid[]; held uuid[];
    opens boolean; changes boolean; folds boolean;
begin
    -- 1. The deduplication: the loser of a race waits here for the winner's commit.
    with f as (
        insert into seen (account_id, key)
        select u.a, u.k from unnest(p_account, p_key) u(a, k) where not p_taken order by 1, 2
        on conflict do nothing returning account_id, key)
    select array_agg(row(u.i, u.account_id, u.handle_kind, u.handle_scope, u.handle_value, u.form, u.name_hint, u.key,
                         u.handle_id, u.customer_id, u.conversation_id, u.contact_id, u.entry_id, u.link_id,
                         u.kind, u.channel, u.class, u.body, u.head, u.media, u.occurred_at, u.opted_out, u.extra)::recording
                     order by u.i)
      into b
      from unnest(p_account, p_key, p_handle_kind, p_handle_scope, p_handle_value, p_form, p_name, p_handle, p_customer,
                  p_conversation, p_contact, p_entry, p_link, p_kind, p_channel, p_class, p_body, p_head, p_media,
                  p_occurred, p_opted_out, p_extra) with ordinality
           u(account_id, key, handle_kind, handle_scope, handle_value, form, name_hint, handle_id, customer_id,
             conversation_id, contact_id, entry_id, link_id, kind, channel, class, body, head, media,
             occurred_at, opted_out, extra, i)
      left join f on f.account_id = u.account_id and f.key = u.key
     where p_taken or f.key is not null;
    if b is null then return; end if;

    insert into raw_event (slot, id, account_id, key, received_at, step, query, content_type, body)
    select raw_slot(now()), x.entry_id, x.account_id, x.key, now(), u.step, u.query, u.content_type, u.raw
      from unnest(b) x
      join unnest(p_step, p_query, p_content_type, p_raw) with ordinality u(step, query, content_type, raw, i) on u.i = x.i;

    -- From the handle to the leaf to the root, where all are known and the event says nothing new of the handle.
    select array_agg(row(x.i, h.id, h.customer_id, c.root_id)::placement order by x.i), array_agg(distinct c.root_id)
      into p, roots
      from unnest(b) x
      join handle h on h.kind = x.handle_kind and h.scope = x.handle_scope and h.value = x.handle_value
                       and h.verified and h.form is not distinct from x.form and knows_name(h.names, x.name_hint)
      join customer c on c.id = h.customer_id;

    if cardinality(p) is distinct from cardinality(b) then
        -- 2. Unknown handles are born ownerless; again the loser of a race waits here.
        insert into handle (id, kind, scope, value, form, verified)
        select distinct on (x.handle_kind, x.handle_scope, x.handle_value)
               x.handle_id, x.handle_kind, x.handle_scope, x.handle_value, x.form, true
          from unnest(b) x
         where not exists (select from handle h
                            where h.kind = x.handle_kind and h.scope = x.handle_scope and h.value = x.handle_value)
         order by x.handle_kind, x.handle_scope, x.handle_value
        on conflict (kind, scope, value) do nothing;

        -- 3. A new statement sees every winner: lock what has no owner or will change, and only then look at it.
        changing := array(
            select distinct h.id from unnest(b) x cross join lateral (
                select h.id, h.customer_id, h.verified, h.form, h.names from handle h
                 where h.kind = x.handle_kind and h.scope = x.handle_scope and h.value = x.handle_value limit 1) h
             where h.customer_id is null or not h.verified or h.form is distinct from x.form
                   or not knows_name(h.names, x.name_hint));
        perform from handle h where h.id = any (changing) order by h.kind, h.scope, h.value for no key update;

        with g as (
            select h.id, h.customer_id as owner_id, h.shared, h.verified, h.speaks_as,
                   bool_or(x.kind = 'message') as speaks, (array_agg(x.form order by x.i desc))[1] as form,
                   (array_agg(x.customer_id order by x.i))[1] as fresh_id, (array_agg(x.link_id order by x.i))[1] as link_id,
                   (array_agg(x.account_id order by x.i))[1] as account_id, (array_agg(x.key order by x.i))[1] as key,
                   array_agg(x.name_hint order by x.i) filter (where x.name_hint is not null) as hints
              from unnest(b) x cross join lateral (
                   select h.* from handle h
                    where h.kind = x.handle_kind and h.scope = x.handle_scope and h.value = x.handle_value limit 1) h
             where h.id = any (changing)
             group by h.id, h.customer_id, h.shared, h.verified, h.speaks_as),
        d as (
            select g.*, m.root_id, g.owner_id is null and not g.shared as is_new,
                   g.shared and (g.speaks_as is null or g.speaks and not exists (
                       select from conversation o
                        where o.profile_id = m.root_id and o.status <> 'closed' and o.folded_into is null)) as is_strange
              from g left join customer m on m.id = g.speaks_as),
        c as (
            insert into customer (id, root_id, name, placeholder)
            select fresh_id, fresh_id, case when is_new then hints[1] end, is_strange from d where is_new or is_strange),
        s as (insert into stream (kind, id) select 1, fresh_id from d where is_new or is_strange),
        e as (
            insert into link (id, handle_id, customer_id, rule, evidence)
            select link_id, id, coalesce(owner_id, fresh_id),
                   case when is_new then 'first_contact' when is_strange then 'shared_handle' else 'proven_by_channel' end,
                   json_build_object('account', account_id, 'key', key, 'proven_by', 'channel', 'rivals', '[]'::json)
              from d where is_new or is_strange or (owner_id is not null and not verified)),
        u as (
            update handle h
               set customer_id = case when d.is_new then d.fresh_id else h.customer_id end, main = h.main or d.is_new,
                   speaks_as = case when d.is_strange then d.fresh_id else h.speaks_as end, verified = true,
                   form = d.form, names = with_names(h.names, d.hints)
              from d where h.id = d.id)
        select array_agg(d.root_id) filter (where d.shared and d.speaks and not d.is_strange) into followed from d;

        -- 4. Again from the handle to the leaf to the root.
        select array_agg(row(x.i, h.id, c.id, c.root_id)::placement order by x.i), array_agg(distinct c.root_id)
          into p, roots
          from unnest(b) x
          join handle h on h.kind = x.handle_kind and h.scope = x.handle_scope and h.value = x.handle_value
          join customer c on c.id = coalesce(h.customer_id, h.speaks_as);
        if cardinality(p) is distinct from cardinality(b) then
            raise exception 'a handle lost its owner meanwhile, record again' using errcode = '40001';
        end if;
    end if;

    -- 5, 6. Lock the roots, then look again: a merge may have moved one while we waited.
    perform from stream s where s.kind = 1 and s.id = any (roots) order by s.id for no key update;
    if exists (select from unnest(p) x join customer c on c.id = x.leaf where c.root_id <> x.root) then
        raise exception 'a merge moved a customer, record again' using errcode = '40001';
    end if;

    -- Opt-out words change consent and are an entry; they open nothing.
    if 'consent' = any (p_kind) then
        insert into consent (handle_id, account_id, opted_out)
        select distinct on (y.handle_id, x.account_id) y.handle_id, x.account_id, x.opted_out
          from unnest(b) x join unnest(p) y on y.i = x.i where x.kind = 'consent'
         order by y.handle_id, x.account_id, x.i desc
        on conflict (handle_id, account_id) do update set opted_out = excluded.opted_out, at = now();
    end if;

    -- 7a. What is shown of each root: the open conversation, else one closed not long ago, else a new one.
    with r as (
        select y.root, bool_or(x.kind = 'message') as speaks,
               (array_agg(y.leaf order by x.i) filter (where x.kind = 'message'))[1] as leaf,
               (array_agg(x.conversation_id order by x.i) filter (where x.kind = 'message'))[1] as fresh_id,
               case when p_class[1] = 'mail' then (array_agg(x.extra ->> 'thread'))[1]::uuid end as thread_id
          from unnest(b) x join unnest(p) y on y.i = x.i group by y.root),
    f as (
        select r.root, r.speaks, coalesce(o.id, z.id, case when r.speaks then r.fresh_id end) as conversation_id,
               coalesce(o.customer_id, z.customer_id, r.leaf) as leaf, o.id as open_id, z.id as closed_id,
               o.status, o.needs_attention, o.opened_at
          from r left join lateral (
               select o.id, o.customer_id, o.status, o.needs_attention, o.opened_at from conversation o
                where o.profile_id = r.root and o.status <> 'closed' and o.folded_into is null limit 1) o on true
               left join lateral (
               select v.id, v.customer_id from customer m join conversation v on v.customer_id = m.id
                where m.root_id = r.root and v.status = 'closed' and v.folded_into is null
                  and (v.closed_at > now() - p_reopen_within
                       or v.id = r.thread_id and v.closed_at > now() - interval '30 days')
                order by (v.id = r.thread_id) is true desc, v.closed_at desc limit 1) z on o.id is null and r.speaks)
    select array_agg(row(f.root, f.leaf, f.conversation_id,
                         case when f.open_id is not null then 'open' when f.closed_id is not null then 'reopened'
                              when f.speaks then 'created' end,
                         case when f.open_id is null and f.closed_id is null then 'new'
                              when not f.speaks or f.status = 'new' then coalesce(f.status, 'open') else 'open' end,
                         case when f.speaks then true else f.needs_attention end, f.opened_at, f.speaks)::talk),
           bool_or(f.speaks and f.open_id is null and f.closed_id is null),
           bool_or(f.speaks and (f.closed_id is not null
                                 or f.status = 'waiting' or f.open_id is not null and not f.needs_attention))
      into t, opens, changes from f;

    if opens then
        insert into conversation (id, customer_id, profile_id, status, needs_attention, opened_at)
        select x.conversation_id, x.leaf, x.root, 'new', true, clock_timestamp()
          from unnest(t) x where x.was = 'created';
    end if;
    if changes then
        with u as (
            update conversation v
               set status = x.status, needs_attention = true, profile_id = x.root, closed_at = null
              from unnest(t) x
             where v.id = x.conversation_id and x.was in ('open', 'reopened') and x.speaks
               and (v.status, v.needs_attention) is distinct from (x.status, true)
            returning v.id)
        select array_agg(u.id) into touched from u;
    end if;

    -- 7b. Each leaf's own part of it, and the messaging contact its messages join: its own, else any of the group.
    -- Where another leaf has what is shown, the own conversation is the open one, one closed not long ago that is shown
    -- there already, or a new one: what was said keeps its place.
    with q as (
        select y.root, y.leaf, bool_or(x.kind = 'message') as speaks,
               (array_agg(x.conversation_id order by x.i) filter (where x.kind = 'message'))[1] as fresh_id
          from unnest(b) x join unnest(p) y on y.i = x.i group by y.root, y.leaf),
    o as (
        select q.*, v.conversation_id as shown_id, v.was as shown_was, q.leaf = v.leaf as is_shown,
               case when q.leaf <> v.leaf and v.was = 'open' then
                   (select o.id from conversation o where o.customer_id = q.leaf and o.status <> 'closed' limit 1) end as open_id
          from q join unnest(t) v on v.root = q.root),
    z as (
        select o.*, case when not o.is_shown and o.open_id is null and o.speaks then
                   (select v.id from conversation v
                     where v.customer_id = o.leaf and v.folded_into = o.shown_id and v.status = 'closed'
                       and v.closed_at > now() - p_reopen_within
                     order by v.closed_at desc limit 1) end as closed_id
          from o),
    k as (
        select z.*, case when z.is_shown then z.shown_id
                         else coalesce(z.open_id, z.closed_id, case when z.speaks then z.fresh_id end) end as conversation_id
          from z)
    select array_agg(row(k.root, k.leaf, k.conversation_id, case when k.conversation_id is not null then k.shown_id end,
                         case when k.is_shown then 'shown' when k.open_id is not null then 'open'
                              when k.closed_id is not null then 'reopened' when k.speaks then 'created' end,
                         k.speaks, coalesce(own.id, other.id))::part),
           bool_or(k.speaks and not k.is_shown), array_agg(coalesce(own.id, other.id))
      into w, folds, live
      from k left join lateral (
           select c.id from contact c
            where c.conversation_id = k.conversation_id and c.class = p_class[1] and c.state not in ('abandoned', 'closed')
            limit 1) own on k.speaks
           left join lateral (
           select c.id from (select k.shown_id as id
                             union all select v.id from conversation v where v.folded_into = k.shown_id) f
                  cross join lateral (
                  select c.id, c.arrived_at from contact c
                   where c.conversation_id = f.id and c.class = p_class[1] and c.state not in ('abandoned', 'closed')
                   limit 1) c
            order by c.arrived_at, c.id limit 1) other on own.id is null and k.speaks and k.shown_was = 'open';

    if folds then
        insert into conversation (id, customer_id, profile_id, status, folded_into, needs_attention, opened_at)
        select x.conversation_id, x.leaf, x.root, v.status, x.shown_id, true, clock_timestamp()
          from unnest(w) x join unnest(t) v on v.root = x.root where x.was = 'created';
        update conversation o
           set status = v.status, needs_attention = true, closed_at = null, profile_id = x.root
          from unnest(w) x join unnest(t) v on v.root = x.root
         where o.id = x.conversation_id and x.was in ('open', 'reopened') and x.speaks;
    end if;
    -- A shared handle's message follows only what is open under the lock.
    if followed is not null and exists (select from unnest(t) x where x.root = any (followed) and x.was <> 'open') then
        raise exception 'a conversation was closed meanwhile, record again' using errcode = '40001';
    end if;

    perform from contact c where c.id = any (live) order by c.id for no key update;

    l := '{}';
    if opens or changes then
        l := array(
            select row(x.root, 0, null,
                       '{"kind":"conversation","conversation":"' || v.id || '","status":"' || v.status
                       || '","opened_at":"' || json_time(v.opened_at) || '","closed_at":null,"needs_attention":true}')::feed_line
              from unnest(t) x join conversation v on v.id = x.conversation_id
             where x.was = 'created' or v.id = any (touched));
    end if;

    -- Join the contact, or make one; where several leaves of a group need one, they need the same. Consent makes none.
    with m as (
        select y.root, x.contact_id as id, count(*)::int as lines,
               (array_agg(x.conversation_id order by z.i))[1] as conversation_id,
               (array_agg(z.contact_id order by z.i))[1] as fresh_id, (array_agg(y.leaf order by z.i))[1] as leaf,
               (array_agg(y.handle_id order by z.i desc))[1] as handle_id,
               (array_agg(z.account_id order by z.i))[1] as account_id, (array_agg(z.channel order by z.i))[1] as channel,
               (array_agg(left(z.body, 160) order by z.i desc))[1] as preview
          from unnest(b) z join unnest(p) y on y.i = z.i join unnest(w) x on x.leaf = y.leaf
         where z.kind = 'message'
         group by y.root, x.contact_id),
    a as (
        select m.*, c.state
          from m left join lateral (select c.state from contact c where c.id = m.id limit 1) c on true),
    -- while it waits the rules run again; wrap-up turns back into work; a parked one waits for its owner first
    u as (
        update contact c
           set preview = a.preview, preview_direction = 'in', preview_at = clock_timestamp(), messages = c.messages + a.lines, unread = c.unread + a.lines,
               unrouted = c.unrouted or a.state in ('queued', 'parked'),
               state = case a.state when 'wrapping' then 'assigned' when 'parked' then 'queued' else c.state end,
               state_at = case when a.state in ('wrapping', 'parked') then clock_timestamp() else c.state_at end,
               fence = c.fence + (a.state = 'parked')::int,
               prefer_agent_id = case when a.state = 'parked' then c.agent_id else c.prefer_agent_id end,
               prefer_until = case when a.state = 'parked' then clock_timestamp() + p_prefer_owner_for else c.prefer_until end,
               arrived_at = case when a.state = 'parked' then clock_timestamp() else c.arrived_at end,
               order_key = case when a.state = 'parked'
                                then (extract(epoch from clock_timestamp()) * 1000000)::bigint else c.order_key end,
               agent_id = case when a.state = 'parked' then null else c.agent_id end,
               due_at = case when a.state in ('assigned', 'wrapping', 'parked') and c.shown then null else c.due_at end,
               handle_id = a.handle_id
          from a where c.id = a.id
        returning c.id, a.root, a.state as was),
    i as (
        insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, arrived_at,
                             preview, preview_direction, messages, unread)
        select a.fresh_id, a.leaf, a.conversation_id, a.account_id, a.handle_id, a.channel, p_class[1], clock_timestamp(),
               a.preview, 'in', a.lines, a.lines
          from a where a.id is null
        returning id, conversation_id)
    select coalesce(array_agg(z.id) filter (where z.was in ('new', 'queued', 'parked')), '{}'),
           coalesce(array_agg(z.id) filter (where z.was in ('offered', 'assigned', 'wrapping', 'parked')), '{}'),
           l || coalesce(array_agg(row(z.root, 1, z.id, null)::feed_line) filter (where z.was in ('new', 'wrapping', 'parked')), '{}')
      into touched, held, l
      from (select u.id, u.root, u.was from u where u.was <> 'new'
            union all select i.id, a.root, 'new' from i join a on a.fresh_id = i.id) z;

    return query select 'route', x, null::bigint from unnest(touched) x;

    -- a contact's line holds its id until here, where the row's new values can be seen
    if 'consent' = any (p_kind) then
        l := l || array(
            select row(y.root, 1, null,
                       json_build_object('kind', 'consent', 'handle', x.handle_value, 'account', x.account_id,
                                         'opted_out', x.opted_out)::text)::feed_line
              from unnest(b) x join unnest(p) y on y.i = x.i where x.kind = 'consent' order by x.i);
    end if;
    if jsonb_path_exists(to_jsonb(p_extra), '$[*].window') then
        with k as (
            insert into reply_window (handle_id, account_id, closes_at)
            select y.handle_id, x.account_id, clock_timestamp() + max((x.extra ->> 'window')::int) * interval '1 second'
              from unnest(b) x join unnest(p) y on y.i = x.i
             where x.kind = 'message' and x.extra ? 'window'
             group by y.handle_id, x.account_id order by 1, 2
            on conflict (handle_id, account_id)
               do update set closes_at = greatest(reply_window.closes_at, excluded.closes_at)
            returning handle_id, account_id, closes_at)
        select l || coalesce(array_agg(row(z.root, 1, null, window_line(z.value, z.account_id, z.closes_at))::feed_line), '{}')
          into l
          from (select distinct y.root, x.handle_value as value, k.account_id, k.closes_at
                  from k join unnest(p) y on y.handle_id = k.handle_id
                         join unnest(b) x on x.i = y.i and x.account_id = k.account_id) z;
    end if;
    if cardinality(l) > 0 then
        l := array(
            select case when y.contact_id is null then y
                        else row(y.root, 1, y.contact_id, contact_line(y.contact_id))::feed_line end
              from unnest(l) y);
    end if;

    -- 7c. Number and date what happened, under each root's lock: commit order is the order.
    with k as (
        select x.root, coalesce(sum(x.lines), 0)::int as lines, sum(x.entries)::int as entries
          from (select y.root, count(*) as lines, 0 as entries from unnest(l) y group by y.root
                union all select y.root, count(*), count(*) from unnest(p) y group by y.root) x
         group by x.root),
    s as (
        update stream s
           set seq = s.seq + k.lines,
               last_at = greatest(clock_timestamp(), s.last_at + interval '1 microsecond') + (k.entries - 1) * interval '1 microsecond'
          from k where s.kind = 1 and s.id = k.root and s.id = any (roots)
        returning s.id, s.seq, s.seq - k.lines as first_seq, s.last_at - (k.entries - 1) * interval '1 microsecond' as base)
    select array_agg(row(s.id, s.first_seq, s.base)::numbering) into n from s;

    insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body, handle_id, account_id,
                       occurred_at, media, content, provider_id, in_reply_to)
    select x.entry_id, y.leaf, o.conversation_id,
           m.base + (row_number() over (partition by y.root order by x.i) - 1) * interval '1 microsecond',
           case x.kind when 'automatic' then 'message' else x.kind end, x.channel, 'in', x.body, y.handle_id,
           x.account_id, x.occurred_at, x.media::jsonb,
           x.extra -> 'content', x.extra ->> 'provider_id', x.extra ->> 'in_reply_to'
      from unnest(b) x join unnest(p) y on y.i = x.i join unnest(w) o on o.leaf = y.leaf join unnest(n) m on m.root = y.root;

    if array_remove(p_media, null) <> '{}' then
        perform add_attachments(x.entry_id, x.account_id, x.media::jsonb) from unnest(b) x where x.media is not null;
    end if;

    with e as (
        select y.root, y.place, 0 as i, y.body from unnest(l) y
        union all
        select y.root, 2, x.i,
               x.head || ',"in_reply_to":' || case when x.extra ? 'in_reply_to' then coalesce(
                   '"' || entry_named(x.account_id, x.extra ->> 'in_reply_to') || '"', 'null') else 'null' end
               || ',"at":"'
               || json_time(m.base + (row_number() over (partition by y.root order by x.i) - 1) * interval '1 microsecond')
               || '","conversation":' || coalesce('"' || o.shown_id || '"', 'null')
               || ',"leaf":' || coalesce('"' || nullif(y.leaf, y.root) || '"', 'null') || '}}'
          from unnest(b) x join unnest(p) y on y.i = x.i join unnest(w) o on o.leaf = y.leaf
               join unnest(n) m on m.root = y.root),
    z as (
        insert into event (slot, kind, id, seq, at, body)
        select event_slot(now()), 1, e.root,
               m.first_seq + row_number() over (partition by e.root order by e.place, e.i), now(), e.body
          from e join unnest(n) m on m.root = e.root
        returning id, seq)
    select array_agg(row(q.id, q.seq, null)::numbering) into n from (select z.id, max(z.seq) as seq from z group by z.id) q;
    return query select 'customer', m.root, m.first_seq from unnest(n) m;

    -- 8. Tell the agents who hold one of these contacts, or to whom it rings.
    if cardinality(held) > 0 then
        return query select 'agent', x.id, x.seq from tell_agents(held) x;
    end if;
end $$;
