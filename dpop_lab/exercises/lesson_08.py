"""Exercises of lesson 8, debugging."""

from dpop_lab.exercises.find_and_repair import PATH_ALONE

EXERCISES = (PATH_ALONE,)
