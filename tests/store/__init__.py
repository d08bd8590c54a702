"""PostgreSQL for real: the embedded servers, migrations, pool, and the invariants the database holds."""
