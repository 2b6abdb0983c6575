"""Exercises that know whether they are solved, from what their own server saw."""
