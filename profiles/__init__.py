"""Who it is: customers, their handles, their timeline.

- `record`    write a batch of inbound messages: handle, customer, conversation, entry, contact, events
- `receipt`   what became of a message we sent
- `reply`     write an answer or a note of an agent, with its outbox row
- `profile`   read the snapshot a screen is shown
- `timeline`  read further pages of a timeline
- `search`    find customers
"""
