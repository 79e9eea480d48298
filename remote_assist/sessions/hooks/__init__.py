"""The outward statements (notices) and how they are signed and retried."""
