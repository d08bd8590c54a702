"""Chats with a bot on Viber."""
