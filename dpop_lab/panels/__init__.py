"""Panels for a notebook: change a value, see at once what follows from it."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dpop_lab.panels.bench_panel import BenchPanel
    from dpop_lab.panels.doctor_panel import DoctorPanel
    from dpop_lab.panels.key_panel import KeyPanel
    from dpop_lab.panels.proof_panel import ProofPanel

__all__ = ["BenchPanel", "DoctorPanel", "KeyPanel", "ProofPanel"]
MODULES = {  # each imports what only its own panel needs
    "BenchPanel": "bench_panel",
    "DoctorPanel": "doctor_panel",
    "KeyPanel": "key_panel",
    "ProofPanel": "proof_panel",
}


if not TYPE_CHECKING:  # else a wrong name would be taken for one of these

    def __getattr__(name: str) -> object:
        """A panel, of which the module is imported when it is first used."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = panel = getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
        return panel


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
