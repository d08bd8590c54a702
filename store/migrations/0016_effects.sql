-- What a rule does besides choosing the queue. It follows the decision in a transaction of its own, since the customer's
-- lock comes before the contact's: null: nothing; done at `effects_at`, tried from `effects_due` on.

alter table decision
    add column effects     jsonb,
    add column effects_at  timestamptz,
    add column effects_due timestamptz not null default now();
create index decision_effects on decision (effects_due, id) where effects is not null and effects_at is null;
