"""The world's providers, one folder per channel and one file per provider.

- `base`      what every adapter speaks: the request, the account, the outcome of sending, the Protocol
- `registry`  which adapter serves a provider and channel
- `forms`     form fields from raw bytes, bounded and strict
- `phones`    what a carrier writes in `From` → E.164 or an id that is no phone
- `sms`       text messages: `twilio`

An adapter verifies over the raw bytes, parses into `model.inbound`, and sends. `verify` and `parse` are pure;
only `send` touches the network. A new provider is one file that fills in the Protocol of `base`, one line in
`registry`, and one harness in `tests/contract/test_webhook_security.py`.
"""
