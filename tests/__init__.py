"""Tests: pure/ needs nothing running, store/ and flow/ a real PostgreSQL, contract/ every backend alike."""
