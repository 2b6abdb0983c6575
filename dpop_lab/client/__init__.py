"""The party that proves: tokens, proofs on each request, the session log."""
