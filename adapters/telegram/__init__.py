"""Chats with a bot on Telegram: `telegram`; `updates`, what they hold, and `wire`, how they are written."""
