"""How the tables came to be. Revisions are never edited once released."""
