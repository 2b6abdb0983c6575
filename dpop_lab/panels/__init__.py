"""Panels for a notebook: change a value, see at once what follows from it."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dpop_lab.panels.bench import BenchPanel
    from dpop_lab.panels.catalogue import CataloguePanel
    from dpop_lab.panels.doctor import DoctorPanel
    from dpop_lab.panels.key import KeyPanel
    from dpop_lab.panels.proof import ProofPanel

__all__ = ["BenchPanel", "CataloguePanel", "DoctorPanel", "KeyPanel", "ProofPanel"]


if not TYPE_CHECKING:  # else a wrong name would be taken for one of these

    def __getattr__(name: str) -> object:
        """A panel, of which the module is imported when it is used: each loads another room."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = name.removesuffix("Panel").lower()
        return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return __all__
