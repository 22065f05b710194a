"""Which backend serves a model, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qcn_open.backends.base import Backend
from qcn_open.backends.growth import Growth
from qcn_open.backends.logical import Logical
from qcn_open.backends.quimb_mpo import QuimbMPO
from qcn_open.backends.qutip_dense import QutipDense
from qcn_open.backends.symmetric import Symmetric
from qcn_open.model import Ramsey, experiment

__all__ = ["AVAILABLE", "Explanation", "explain", "select"]

AVAILABLE: tuple[Backend, ...] = (Logical(), Growth(), Symmetric(), QutipDense(), QuimbMPO())
"""Exact backends, the cheapest first: ``backend="auto"`` takes the first that does not refuse."""


@dataclass(frozen=True)
class Explanation:
    """Which backend ``"auto"`` takes and why the cheaper ones were passed over; `str` gives it as a text.

    Attributes
    ----------
    backend : Backend or None
        The one that is taken; None when all refuse.
    refusals : tuple of (Backend, str)
        The backends passed over, with their reasons.
    """

    backend: Backend | None
    refusals: tuple[tuple[Backend, str], ...]

    def __str__(self) -> str:
        chosen = (
            f"{self.backend!r}: the cheapest exact backend for this model"
            if self.backend
            else "no backend can evolve this model exactly"
        )
        return "\n".join([chosen, *(f"not {backend!r}: {reason}" for backend, reason in self.refusals)])


def explain(model: Ramsey) -> Explanation:
    """Which backend serves `model`, and why.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> print(explain(Ramsey(Ghz(8), Dephasing(1.0), time=0.1)))
    Logical(): the cheapest exact backend for this model
    """
    refusals: list[tuple[Backend, str]] = []
    for backend in AVAILABLE:
        reason = backend.refusal(experiment(model))
        if reason is None:
            return Explanation(backend, tuple(refusals))
        refusals.append((backend, reason))
    return Explanation(None, tuple(refusals))


def select(model: Ramsey, backend: Backend | Literal["auto"] = "auto") -> Backend:
    """The backend to use: the given one, or the first that does not refuse the model.

    Raises
    ------
    ValueError
        If the given backend, or every one, refuses the model.
    TypeError
        If `backend` is neither "auto" nor a Backend.
    """
    if isinstance(backend, Backend):
        backend.require(experiment(model))
        return backend
    if backend != "auto":
        raise TypeError(f'backend must be "auto" or a Backend instance such as Logical(), got {backend!r}')
    explanation = explain(model)
    if explanation.backend is None:
        raise ValueError(str(explanation).replace("\n", "; "))
    return explanation.backend
