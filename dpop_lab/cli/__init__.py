"""The `dpop-lab` command, a module for each thing it does."""

from dpop_lab.cli.command import main

__all__ = ["main"]
