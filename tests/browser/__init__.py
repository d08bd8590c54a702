"""The desk in a real browser, against a running demo; customers write by signed webhooks of the demo's carrier.

- `stage`          the browser, the demo, and the company as it is between two tests
- `desk`           one page of an agent: what its parts are called
- `test_sign_in`, `test_offer`, `test_conversation`, `test_outage`   what an agent does
- `test_profile`, `test_identity`   what they write down and decide of a customer, and a colleague's screen beside it
- `test_work`      what they pass on or put right: tasks for others, a moved conversation, what was seen at accept
- `test_long_timeline`   a jump through a hundred thousand entries
- `test_pictures`  the pictures of the documentation; written there with `--pictures` only
"""
