"""The adapters, one folder per channel; payloads of the providers stand in its `fixtures/`."""
