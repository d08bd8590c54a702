"""Web chat: our own widget on the company's pages.

- `visitor`    who a visitor is: what the site signs, the tokens we issue, the proof of each request (pure)
- `events`     what the widget says, read into events (pure)
- `screenpop`  the adapter
"""
