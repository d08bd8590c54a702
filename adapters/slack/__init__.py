"""Messages in Slack."""
