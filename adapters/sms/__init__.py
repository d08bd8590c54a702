"""Text messages.

- `twilio`            the adapter: account check, verify, parse, send
- `twilio_signature`  both signature schemes over the raw request
- `twilio_parse`      messages, opt-out words, delivery receipts
- `twilio_api`        one call to the REST API and what its outcome means
- `twilio_errors`     error codes with their remedies
"""
