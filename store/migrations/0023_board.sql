-- What the supervisors' board counts, where the work of a queue went that is no more, and business hours by name.

-- Who gave up is few, and asked for by the day they arrived.
create index contact_abandoned on contact (arrived_at) where state = 'abandoned';

alter table queue add column moved_to text references queue;    -- of a retired one: its work goes there, as it was

-- Named, so that they are written once: `hours` is model.voice_line.Hours.
create table business_hours (
    id     text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name   text not null check (name <> ''),
    hours  jsonb not null
);

-- Who has these hours has a copy of them, which follows; whoever is given others of their own follows no more.
alter table sla_policy add column hours_id text references business_hours;
alter table voice_line add column hours_id text references business_hours;
create index on sla_policy (hours_id) where hours_id is not null;

create function leave_hours() returns trigger language plpgsql as $$
declare
    own jsonb := case tg_table_name when 'sla_policy' then to_jsonb(new) -> 'hours' else to_jsonb(new) -> 'settings' -> 'hours' end;
begin
    if own is distinct from (select h.hours from business_hours h where h.id = new.hours_id) then
        new.hours_id := null;
    end if;
    return new;
end $$;
create trigger policy_leaves_hours before update on sla_policy for each row
    when (new.hours_id is not null) execute function leave_hours();
create trigger line_leaves_hours before update on voice_line for each row
    when (new.hours_id is not null) execute function leave_hours();
