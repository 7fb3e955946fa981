"""Throw-away engines for the engine tests, each on a socket of its own: `specs/engines.md`."""
