"""Limits without decoherence."""

from __future__ import annotations

from qcn_open.model import Ramsey, experiment

__all__ = ["heisenberg", "standard_quantum_limit"]


def heisenberg(model: Ramsey) -> float:
    """Largest Fisher information of N lossless atoms, :math:`N^2T^2`, in s^2 (Giovannetti et al., PRL 96, 010401).

    Examples
    --------
    >>> from qcn_open import Ghz
    >>> heisenberg(Ramsey(Ghz(8), time=0.5))
    16.0
    """
    return (experiment(model).atoms * model.time) ** 2


def standard_quantum_limit(model: Ramsey) -> float:
    """Fisher information of N lossless *uncorrelated* atoms, :math:`NT^2`, in s^2. Entangled probes may exceed it.

    Examples
    --------
    >>> from qcn_open import Ghz
    >>> standard_quantum_limit(Ramsey(Ghz(8), time=0.5))
    2.0
    """
    return experiment(model).atoms * model.time**2
