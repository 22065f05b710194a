"""What a backend is: it says why it refuses a model, or evolves it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from qcn_open.model import Ramsey
from qcn_open.states import Tangent

__all__ = ["Backend"]


class Backend(ABC):
    """One way of computing the state after an interrogation; its numerical controls are its fields."""

    @abstractmethod
    def refusal(self, model: Ramsey) -> str | None:
        """Why this backend can't evolve the model, in one sentence; None when it can."""

    @abstractmethod
    def evolve(self, model: Ramsey) -> Tangent:
        """State after the interrogation and its derivative with respect to the phase of one atom.

        Raises
        ------
        ValueError
            With the sentence of `refusal`, when the model is refused.
        """

    def require(self, model: Ramsey) -> None:
        """Raise a ValueError with the reason when the model is refused."""
        reason = self.refusal(model)
        if reason is not None:
            raise ValueError(f"{self!r} can't evolve this model: {reason}")
