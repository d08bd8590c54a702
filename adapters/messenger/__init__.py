"""Messenger.

- `meta`  the adapter: what a reply may be, and how it is written; the rest is `adapters.meta_page_*`
"""
