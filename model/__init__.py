"""The Structs everyone speaks.

- `inbound`   what an adapter makes of a webhook: messages, receipts, consent
- `contact`   a contact, its states, and what an agent sees of it
- `offer`     a contact held out to one agent
- `customer`  handles, customers, conversations, the profile
- `timeline`  entries and their delivery status
- `agent`     agents, presence, the actor behind a request
- `event`     items of a feed, one Struct per kind
- `typing_mark`  somebody is writing: told once, never kept
- `refusal`   a request that changes nothing, and why
- `wire`      frames of the screen protocol from the screen; those about calls and handing on in `wire_calls`, of
              supervisors in `wire_board`, what all of them share in `wire_frame`
- `to_screen` frames to the screen

Only msgspec and the standard library are imported here; nothing does I/O.
"""
