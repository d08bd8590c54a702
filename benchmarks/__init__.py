"""Measurements of the running product, each beside its floor: bare code for the same durable work.

- `__main__`          `python -m benchmarks [NAME…] [--json FILE] [--seconds S]`
- `accept_to_screen`  accept → the profile on the agent's screen
- `inbound`           webhook → 2xx
- `place`             the product and the floors as processes of their own, on one database server
- `load`, `sockets`   HTTP and websocket clients that cost little themselves
- `figures`           rounds, percentiles, ratios, and when a run is void
- `floors/`           the bare code

Nothing of the product is imported: it runs with its default settings and is spoken to over HTTP and websocket.
"""
