"""Announcements that feeds have moved, from the process that committed to all hubs; and, beside them, who is writing.

- `base`    what every bus can do
- `memory`  within this process
- `redis`   to all processes, by one channel of a Redis protocol server

A bus may lose anything at any time: hubs check their positions, and follow the log while it is not healthy.
"""
