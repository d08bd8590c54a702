"""Who takes it: rules, the contact and offer machines, presence, dispatch.

Pure decisions: `contact`, `offer` (state machines, one table each), `rules` (which queue), `rank` (which agent).

What they decide is done by, each in transactions of the caller's:
- `routing`   claims unrouted contacts, runs the rules, stores decisions
- `needs`     interns requirements and keeps who can serve them
- `dispatch`  holds waiting contacts out to free agents, or assigns them outright
- `assign`    assigns outright: auto-accept, the owner of a parked contact
- `accept`    the one statement that makes an offer a hold
- `endings`   offers that end otherwise: declined, timed out, rescinded
- `holding`   the life of a held contact: finish, wrap-up, park, hand back
- `closing`   the end of a conversation and of what is live in it
- `presence`  leases of processes and screens, what agents chose
- `desk`      everything an agent's screen starts from
- `due`       finds what the database's clock says is due
- `reads`     lists for REST
"""
