"""One repository per idea of ``sessions.ports``, each working on the connection of one transaction."""
