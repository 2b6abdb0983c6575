"""Panels for a notebook: change a value, see at once what follows from it."""

from dpop_lab.panels.bench_panel import BenchPanel
from dpop_lab.panels.doctor_panel import DoctorPanel
from dpop_lab.panels.key_panel import KeyPanel
from dpop_lab.panels.proof_panel import ProofPanel

__all__ = ["BenchPanel", "DoctorPanel", "KeyPanel", "ProofPanel"]
