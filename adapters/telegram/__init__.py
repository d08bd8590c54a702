"""Chats with a bot on Telegram."""
