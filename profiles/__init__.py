"""Who it is: customers, their handles, their timeline.

- `record`    write a batch of inbound messages: handle, customer, conversation, entry, contact, events
- `apart`     the same for what is more than words of one handle: identities, mail (`thread`), files, `echo`, `changes`
- `changes`   reactions, edits and what was taken back, in any order; `echo` what was said for us elsewhere
- `attachments`, `stored` the files of entries, and how they come into the store
- `calls`     a call recorded before its caller hears anything, and its entry's course (`call_course`)
- `receipt`   what became of a message we sent
- `reply`     write an answer or a note of an agent, with its outbox row; `reply_limits` what its channel takes
- `profile`   read the snapshot a screen is shown: `customer` (with `survivorship`, pure, and `handle_views`),
              `conversations`, `timeline`, `sections`
- `timeline`  read further pages of a timeline
- `seen`      the profile as it was on the screen at accept
- `by_rule`   tags, topics and tasks that routing rules add; `auto_reply` what they answer
- `search`    find customers
- `people`    who it is, found out and written down, with `owners` and `claims`; decided by `identity` (pure: `handles`,
              `names`, `birth_dates`), explained by `decisions`
- `suggestions` likely duplicates: judged by `likeness` (pure), found by `portraits`, queued in `likeness_due`;
              `sharing` for handles of many people
"""
