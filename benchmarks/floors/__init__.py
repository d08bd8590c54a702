"""Bare code that does the same durable work and nothing else: what the machine gives."""
