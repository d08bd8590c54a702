"""Voice calls.

- `twilio`        the adapter: verify, parse, what is heard, what is asked of Twilio
- `twilio_parse`  webhooks to `model.call.CallEvent`
- `twilio_twiml`  `model.call.CallStep`s to TwiML
- `twilio_rest`   `model.call.CallCommand`s to Twilio's REST API
"""
