"""Tokens in a person's name: the authorization request, its answer, refresh, and the end."""
