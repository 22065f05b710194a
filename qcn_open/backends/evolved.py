"""A state that is already there, so that one evolution serves several functionals."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.states import Tangent

__all__ = ["Evolved"]


@dataclass(frozen=True, eq=False)
class Evolved(Backend):
    """Backend that returns what another one has computed, for the model it was computed for.

    Parameters
    ----------
    model : Ramsey
        The model that was evolved.
    tangent : Tangent
        What ``backend.evolve(model)`` returned.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Logical, Parity, cfi, qfi
    >>> model = Ramsey(Ghz(3), Dephasing(1.0), time=0.2)
    >>> once = Evolved(model, Logical().evolve(model))
    >>> round(qfi(model, once), 9), round(cfi(model, Parity(), once), 9)
    (0.197572189, 0.197572189)
    """

    model: Ramsey
    tangent: Tangent

    def refusal(self, model: Ramsey) -> str | None:
        """Why the model is not the one whose state this is."""
        return None if model == self.model else "it holds the state of another model"

    def evolve(self, model: Ramsey) -> Tangent:
        """The state, as it was computed."""
        self.require(model)
        return self.tangent
