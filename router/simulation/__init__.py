"""The router under a simulated clock: contacts and shifts in, what became of each contact out. Pure.

- `given`: what is known before: contacts that will come, shifts, terms
- `pieces`: contacts, agents and offers while it runs
- `lines`: where contacts wait
- `running`: what happens when

Who takes what is asked of `router.rank`, every step of an offer and of a contact of their machines. What stands here is
what the database does around them.
"""
