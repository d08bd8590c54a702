"""Programs that know only `demo.json`: they import nothing of the product and judge it by what it shows.

- `company`: what `demo.json` says, signed webhooks, REST
- `wire`: HTTP/1.1 in as little CPU as a load client can do with
- `screen`, `told`: one websocket of an agent, following every feed, and what it learnt
- `feeds`: what makes a feed complete and in order; pure
- `demo`: a demo process of one's own, and every process below it
- `history`: who did and saw what, one JSON line each
- `verdict`: claims and what was observed, as a table
"""
