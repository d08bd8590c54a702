-- Tasks as work: one of a queue is given to an agent of it once it is due, apart from contacts and their slots.

alter table task add column due_told_at timestamptz;    -- when it became work, or its agent heard that it is due
create index task_due on task (due_at) where state = 'open' and due_told_at is null and due_at is not null;

alter table agent_state add column cap_tasks integer not null default 1 check (cap_tasks >= 0);   -- given by queues, at once

-- A due task of a queue: it waits, or an agent has it and it is theirs in `task` too. Gone when the task has ended.
create table task_work (
    task_id       uuid primary key references task on delete cascade,
    queue_id      text not null references queue,
    due_at        timestamptz not null,
    agent_id      uuid references agent,
    passed_by     uuid[] not null default '{}',         -- who gave it back: others first, for a while
    passed_until  timestamptz
);
create index task_work_waiting on task_work (due_at, task_id) where agent_id is null;
create index task_work_agent on task_work (agent_id) where agent_id is not null;

-- Whoever changes a task changes its work. The router writes `task_work` first, so that nothing is left to do here.
create function follow_task() returns trigger language plpgsql as $$
begin
    if new.state <> 'open' or new.due_at is distinct from old.due_at then
        delete from task_work where task_id = new.id;
        new.due_told_at := null;
    elsif new.queue_id is not null then
        update task_work
           set queue_id = new.queue_id, agent_id = null, passed_by = passed_by || agent_id,
               passed_until = clock_timestamp() + interval '5 minutes'
         where task_id = new.id and agent_id is not null;
        if not found then
            update task_work set queue_id = new.queue_id where task_id = new.id;
            new.due_told_at := case when found then new.due_told_at end;
        end if;
    elsif new.agent_id is distinct from old.agent_id then
        delete from task_work where task_id = new.id and agent_id is distinct from new.agent_id;
        new.due_told_at := case when exists (select from task_work where task_id = new.id) then new.due_told_at end;
    end if;
    return new;
end $$;
create trigger task_followed before update on task for each row
    when (new.state <> old.state or new.due_at is distinct from old.due_at or new.agent_id is distinct from old.agent_id
          or new.queue_id is distinct from old.queue_id)
    execute function follow_task();
