"""Who takes it: rules, the contact and offer machines, presence, dispatch.

Pure decisions: `contact`, `offer`, `call` (state machines, one table each), `rules` (queue; a folder), `rank` (agent),
`explaining` (why this one).

What they decide is done by, each in transactions of the caller's:
- `routing`   claims unrouted contacts, runs the rules, stores decisions; `facts` and `pool_facts` read what the rules
              look at
- `effects`   what rules do besides: tags, topics, answers, tasks, the voicemail, carried out after the decision
- `rule_versions` the draft, publishing, rolling back; `decisions` explains what was decided,
              `asked` reads back how every agent was when it was offered
- `relaxing`  takes the steps of plans while contacts wait; `steps` (pure) is what a plan is
- `needs`     interns requirements and keeps who can serve them; `agent_skills` who has which skills (`skills`, pure)
- `dispatch`  holds waiting contacts out to free agents, or assigns them outright; `claims` is what it works on
- `lone`      offers the only contact that waits, in one statement
- `assign`    assigns outright: auto-accept, the owner of a parked contact
- `accept`    the one statement that makes an offer a hold
- `endings`   offers that end otherwise: declined, timed out, rescinded
- `finishing` finish and wrap-up, with `after_work` (pure), `dispositions`, `reasons`, `queue_after_work`
- `pulling`   what an agent who asks for the next may have; `retiring` agents and queues that are no more
- `holding`   the life of a held contact: its steps, park, hand back
- `closing`   the end of a conversation and of what is live in it
- `presence`  leases of processes and screens, what agents chose
- `desk`      everything an agent's screen starts from
- `calls`     a call under its locks, made to fit its contact and lines: `call_moves`, `call_legs`, `call_conference`
- `voice_lines` what callers hear and where agents are rung, as it is kept
- `call_orders` what agents and supervisors do with a call; `dialing` calls of ours; `transfer` hands contacts on
- `sla`       (pure) clocks of first response and resolution in `business_time` (pure); `sla_clocks` keeps them,
              `sla_policies` what is promised
- `task_work` gives due tasks of queues to agents
- `due`       finds what the database's clock says is due
- `reads`     lists for REST
"""
