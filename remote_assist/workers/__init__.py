"""Loops over due rows: settlement, expiry, delivery."""
