"""WhatsApp.

- `cloud`           Meta's Cloud API, the adapter: account check, verify, parse, send
- `cloud_wire`      deliveries as they are written
- `cloud_kinds`     what messages hold, by kind, as it is written
- `cloud_parse`     deliveries → events: messages, echoes, receipts, preferences
- `cloud_messages`  one message: said, reacted, edited, withdrawn, or a changed identity
- `cloud_content`   what a message says and holds, by kind
- `cloud_send`      replies: text, files, templates
- `cloud_media`     files of customers, in two steps
- `people`          phone or business-scoped user id
- `twilio`          WhatsApp over Twilio: what differs from `adapters.sms.twilio`
- `twilio_parse`    its messages: buttons, places, referrals
"""
