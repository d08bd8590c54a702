"""Messages in Slack.

- `slack`  the adapter
- `text`   marks and emoji in Slack's text, made plain
"""
