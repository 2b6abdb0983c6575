"""Exercises of lesson 7, nonce and replay."""

from dpop_lab.exercises.find_and_repair import AHEAD_FORGOTTEN

EXERCISES = (AHEAD_FORGOTTEN,)
