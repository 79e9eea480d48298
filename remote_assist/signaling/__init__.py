"""The live side of a session: the only place where sessions and media meet."""
