"""Chats with an official account on LINE: `line`, and `events`, what its webhooks hold."""
