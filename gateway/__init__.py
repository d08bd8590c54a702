"""Start here: the roof over adapters, profiles, router and pushers, where they meet.

- `settings`   the environment, read once
- `app`        the composition root: what one process is made of
- `intake`     webhooks in: verify, parse, record in batches, 2xx after COMMIT
- `mail_parts` mail: committed as it came (`mail_intake`, `mail_smtp`, `mail_store`), read apart (`mail_worker`,
               `mail_reader`, and the process `mail_child`)
- `actions`    what screens ask, each in one transaction
- `screen`     the websocket endpoint
- `chat`       the web chat; `typing_marks`   who is writing, there and at the screens
- `voice`      calls: `voice_plan` what is heard (pure), `voice_calls` what happens, `voice_worker`, `voice_desk`
- `rest`       the interface over HTTP: its areas are `rest_*`, its errors `problems`, its description `openapi`
- `rest_call`, `rest_write`   one request: who asks what; a change in one transaction, once per key
- `auth`, `policy`   who asks, and whether they may
- `worker`     what goes on by itself: routing (`routing_worker`), dispatch, what is due, leases
- `sla_worker` promises of first response and resolution; `task_worker` tasks when they are due
- `rule_catalog`, `profile_facts`, `rule_effects`   what rules may name, what a profile tells them, what they do to it
- `sender`     the outbox to the providers
- `cli`        the command `screenpop`; its groups are `cli_*`, on the database by `cli_database`
- `demo`       a company to try it with
"""
