"""Findings into actions: what to change so that a failed row passes, row by row."""
