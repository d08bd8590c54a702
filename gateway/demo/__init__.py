"""A company to try it with: one command, nothing to configure.

- `__main__`   starts everything, watches over it, and ends it
- `company`    its accounts, agents, rules and customers with a history
- `accounts`   its addresses on every channel
- `outside`    every provider on this machine, in one process; shares nothing with the product
- `once`       one customer through the whole way
- `traffic`    customers who write on every channel, and answer
"""
