"""Start here: the roof over adapters, profiles, router and pushers, where they meet.

- `settings`   the environment, read once
- `app`        the composition root: what one process is made of
- `intake`     webhooks in: verify, parse, record in batches, 2xx after COMMIT
- `actions`    what screens ask, each in one transaction
- `screen`     the websocket endpoint
- `rest`       lists and profiles over HTTP; `problems` their errors
- `auth`, `policy`   who asks, and whether they may
- `worker`     what goes on by itself: routing, dispatch, what is due, leases
- `sender`     the outbox to the providers
- `cli`        the command `screenpop`
- `demo`       a company to try it with
"""
