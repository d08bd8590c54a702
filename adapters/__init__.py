"""The world's providers, one folder per channel, and in it a provider each.

- `base`      what every adapter speaks: the request, the account, the outcome of sending, the Protocol
- `registry`  which adapter serves a provider and channel; providers of other packages
- `testing`   the suite every provider is held to, importable by other packages; no part of the product
- `proof`, `account_check`  what every scheme and every configuration needs, and the commonest schemes, to be stated
- `forms`, `json_body`, `bounds`  form fields and JSON from raw bytes, bounded and strict; many events, each alone
- `phones`, `details`   what a carrier writes in `From` → E.164 or an id that is no phone; what stands in forms
- `messages`  what was read → a message of words and parts; tables of kinds
- `receipts`  a provider's states of a message → what became of it
- `http_call`, `http_adapter`, `json_api`  one call to a sending API and what its outcome means; adapters that send by
  one, and those whose API speaks JSON
- `pieces`    a reply as the messages it is made of; `files_by_id`  files that a provider names by an id
- `jwt_hs256`, `ed25519`, `oauth1`  tokens and signatures that some schemes are made of
- `sms`       text messages: `twilio`; `vonage`, `bandwidth`, `messagebird`, `telnyx`, which share `carriers`
- `whatsapp`  `cloud` (Meta's own) and `twilio`
- `voice`     calls: `twilio`
- `messenger`, `instagram`  `meta`
- `telegram`, `line`, `x`, `viber`, `slack`  each its own; `generic`  any system of a company's

What Meta's channels share stands beside them: `meta_webhook` (proof, challenge, how JSON is read), `meta_account`,
`meta_graph` (one call, and what its outcome means), `meta_errors`, and `meta_page_*` (Messenger and Instagram, which
speak one form: as written, parsed, held content, adapter).

An adapter verifies over the raw bytes, parses into `model.inbound`, and sends. `verify` and `parse` are pure;
only `send` touches the network. A new provider is one file that fills in the Protocol of `base`, one line in
`registry`, and one `Harness` beside its tests, which `tests/contract/channels/` finds by itself. A company's
own stands in a package of its own: `examples/pigeon-post/`.
"""
