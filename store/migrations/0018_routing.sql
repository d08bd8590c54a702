-- Skills with levels, what a contact costs and how agents are chosen by queue, and what becomes of those who wait long.

create table skill (
    id    text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name  text not null
);

create table agent_skill (
    agent_id  uuid not null references agent,
    skill_id  text not null references skill,
    level     smallint not null check (level between 1 and 10),
    primary key (agent_id, skill_id)
);
create index on agent_skill (skill_id);

alter table queue
    add column selection     text not null default 'longest_idle'
                             check (selection in ('longest_idle', 'least_loaded', 'round_robin')),
    add column offer_to      smallint not null default 1 check (offer_to between 1 and 20),   -- the first who accepts has it
    add column weight        integer not null default 1 check (weight between 1 and 100),     -- what a contact takes of its class
    add column interruptible boolean not null default false;                                   -- it does not count in cap_total

alter table agent_queue
    add column most      integer check (most >= 0),     -- live contacts of this queue at once; null: as many as fit
    add column given_at  timestamptz;                   -- written only where the queue goes round
create index agent_queue_most on agent_queue (agent_id) where most is not null;

alter table agent_state
    add column cap_total integer check (cap_total >= 0);    -- of all classes together; null: each class by itself

-- A requirement: `skills[i]` at least at `levels[i]` is what it takes; `prefers` says who of those goes first. Sorted by
-- skill, so that the same requirement is the same row. Its weight is its queue's.
alter table need
    add column levels        smallint[] not null default '{}',
    add column prefers       text[] not null default '{}',
    add column prefer_levels smallint[] not null default '{}';
alter table need drop constraint need_queue_id_class_weight_skills_key;
alter table need add constraint need_key unique (queue_id, class, skills, levels, prefers, prefer_levels);

create function weigh_needs() returns trigger language plpgsql as $$
begin
    update need set weight = new.weight where queue_id = new.id;
    return null;
end $$;
create trigger queue_weight after update of weight on queue for each row
    when (old.weight <> new.weight) execute function weigh_needs();

-- What is left of the rules' plan while it waits, and when its next step is due.
alter table contact
    add column steps          jsonb,
    add column step_at        timestamptz,
    add column prefer_by_rule boolean not null default false,   -- offered, not given; and nobody waits for one who is away
    add check ((steps is null) = (step_at is null));
create index contact_steps on contact (step_at) where state = 'queued' and step_at is not null;

alter table offer add column seats smallint not null default 1 check (seats between 1 and 20);   -- how many were asked at once

-- What a rule chose besides queue and priority: router.routing.Chosen.
alter table decision add column chosen jsonb;

-- What an agent has at once: offered and held. Under the lock of the agent's row it cannot rise.
create function live_weight(p_agent uuid) returns bigint language sql stable as $$
    select coalesce(sum(o.weight), 0)::bigint
      from offer o join contact c on c.id = o.contact_id left join queue q on q.id = c.queue_id
     where o.agent_id = p_agent and (o.state = 'pending' or (o.state = 'accepted' and o.released_at is null))
       and not coalesce(q.interruptible, false) $$;
create function live_of_queue(p_agent uuid, p_queue text) returns bigint language sql stable as $$
    select count(*)
      from offer o join contact c on c.id = o.contact_id
     where o.agent_id = p_agent and (o.state = 'pending' or (o.state = 'accepted' and o.released_at is null))
       and c.queue_id = p_queue $$;
