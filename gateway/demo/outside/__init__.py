"""The world outside, on this machine: one process that plays every provider, for the demonstration and the tests.

    python -m gateway.demo.outside --accounts accounts.json --port 9001 --smtp-port 9025 --log sent.jsonl

It shares nothing with the product: no module here imports anything of ours but this folder. It signs with the
provider's own SDK where there is one, and otherwise with a scheme written anew from the provider's document.

- `world`      accounts, what was sent, media, and webhooks on their way with the provider's own retries
- `whims`      misbehaving on demand: 429, 500, hang, reset before or after accepting, doubles, reordering
- `party`      what a provider's file fills in, and the list of them
- `server`     the HTTP server with the control addresses
- `twilio_messaging`  SMS, MMS and WhatsApp over Twilio
- `meta_graph`  WhatsApp's Cloud API, Messenger, Instagram; `meta_events` says what their webhooks hold

**A provider is one file** with a class that fills in `party.Party`, and one line per provider and channel in
`party.PARTIES`. It gives the routes of the sending API, and says what a customer's act becomes:

- `routes()`: paths as the provider has them (accounts are configured with our address as `settings.api_base`). Find
  the account by its credentials, refuse wrong ones as the provider does, then `whims.obey(...)`: it answers 429, 500,
  hangs and resets, or lets the message be taken. Taken is what went through `world.take(account, line)`: `line` has at
  least `id`, `to`, `body`; it is kept, logged as one JSON line and listed by `GET /control/sent`.
- Callbacks (receipts, statuses): a list of `Webhook` for `world.call_back(account, mode, webhooks, retries)`, which
  doubles, reorders and drops them as `mode` says.
- `inbound(account, wish)`: a customer does something. `wish` is the JSON of `POST /control/inbound`, whose `kind` is
  `message` unless it says otherwise; further kinds (`reaction`, `edit`, `read`, …) are the provider's. Make the
  signed `Webhook` and return `await world.knock(account, webhook, wish, retries)`, which posts it once or `times` times
  at once, or only shows it where `only_sign` is set.
- `start()` and `aclose()`: listeners of its own (SMTP), calls in progress.

**Control** (no password: everything binds 127.0.0.1 only)

    POST /control/inbound    {"account", "kind"?, "from", "body"?, "media"?, "times"?, "only_sign"?, …}
    POST /control/misbehave  {"account"?, "mode", "share"?, "count"?, "retry_after"?}  one mode; without account: all
                             {"account"?, "mixture": [{"mode", "share", "retry_after"?}, …]}  several at once
    GET  /control/sent       ?account=…   what was taken, oldest first
    GET  /control/accounts   ids, channels, providers
    POST /control/media      {"content_type", "data": base64} → {"url"}  a file a customer sends, on our address

A medium of a wish is `{"content_type", "data": base64}` (we host it) or `{"content_type", "url"}`.
"""
