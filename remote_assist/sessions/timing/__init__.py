"""From the log to seconds: the audited functions."""
