"""Faults on the running product, judged from outside.

- `storm`: messages, agents and kill -9 all at once, written into a history
- `check`: history and database → verdicts; `rows` reads, `claims` judges, both without the product
- `agents`, `sender`, `killer`: the parts of the storm
"""
