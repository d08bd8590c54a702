"""The product from outside: real PostgreSQL, real Redis protocol server, real websockets."""
