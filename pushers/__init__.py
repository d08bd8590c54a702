"""Show it: what was committed reaches every screen that follows it, in order, once.

- `bus/`         tells the hubs of all processes that feeds have moved, and who is writing: names, numbers, ids
- `feeds`        reads of the log: events after a position, heads, what became visible, the epoch
- `hub`          one per process: notices that feeds moved, reads the log, delivers to subscriptions
- `session`      the screen protocol of one connection, pure: bytes in, commands out; frames in, bytes out
- `parse`        a frame's bytes to its Struct, and what to say of it when it is none
- `close_codes`  every close code with its name, its sentence and whether to come back
- `snapshot`     the encoded profile: composed when it rings, sent when it is accepted
- `prefetch`     the snapshots of ringing offers, each with what happened since

The log (`event`) is the truth and the only buffer: whatever the bus loses is read from there.
"""
