"""E-mail: one file per provider, one way of reading whatever they hand over.

- `raw`, `postmark`, `sendgrid`, `mailgun`, `ses` (with `sns`)  how each proves and hands over a mail; `adapter` what
  they share, `form` the forms two of them post
- `letter`         a mail read into text, HTML and files: `parts` and `bodies` (MIME), `headers`, `characters`
- `event`          a letter into events: `quotes` (what was written anew), `html` (made safe), `automatic` (bounces and
  others that nobody wrote), `proof` (whether the sender is who it says), `reply_address` (threads)
- `cheap`          what can be said of a mail that took too long to read
- `compose`, `smtp`  a reply as a mail, and on its way

All but `smtp` is pure. Everything read is bounded by `limits`, and read in a process of its own besides.
"""
