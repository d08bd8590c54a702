"""A company to try it with: one command, nothing to configure.

- `__main__`   starts everything, watches over it, and ends it
- `company`    its accounts, agents, rules and customers with a history
- `carrier`    the carrier on this machine, which speaks Twilio's protocol; shares nothing with the product
- `once`       one customer through the whole way
- `traffic`    customers who text and answer
"""
