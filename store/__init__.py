"""PostgreSQL, and nothing of what is in it: connections, schema, and a server of our own where there is none.

    pool.py         open_pool, transaction: the connections of one process and their limits
    migrate.py      migrate, pending: bring a database to the schema of this code
    migrations/     NNNN_what.sql, the schema, in order
    statements.py   cut a script into statements, for migrations that may not run as one
    embedded.py     EmbeddedPostgres, EmbeddedValkey: servers that need no installation
    cluster.py      the embedded cluster on disk: create, clear up after a crash, launch
    binaries.py     find the programs of the servers
    supervise.py    child processes that never outlive us

The queries stand beside the functions that use them, in `profiles`, `router`, `pushers` and `gateway`.
"""
