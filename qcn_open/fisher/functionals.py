r"""Fisher information about the detuning: quantum, and classical for a readout.

A backend gives :math:`(\rho, \partial\rho/\partial\varphi)`; the functionals here are dispatched on its type, one
file of this folder for each. They compute information about :math:`\varphi = \delta T`, and multiply by
:math:`T^2`: :math:`F_\delta = T^2 F_\varphi`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Literal

from qcn_open.backends import Backend, select
from qcn_open.model import Ramsey
from qcn_open.readouts import Readout
from qcn_open.states import Tangent

__all__ = ["cfi", "cfi_phase", "qfi", "qfi_phase"]


def qfi(model: Ramsey, backend: Backend | Literal["auto"] = "auto") -> float:
    r"""Quantum Fisher information about the detuning :math:`\delta`.

    .. math:: F_\delta = T^2\,\mathrm{Tr}\,\rho L^2, \qquad
              \partial_\varphi\rho = \tfrac12(L\rho + \rho L), \qquad \mathrm{Var}(\hat\delta) \ge 1/F_\delta

    For a product of GHZ blocks it is :math:`T^2\sum 4n^2|c|^2/(G + E)` over the blocks (see `BlockTangent`).

    Parameters
    ----------
    model : Ramsey
        The experiment.
    backend : Backend or "auto", optional
        "auto" takes the cheapest exact one; `explain` says which.

    Returns
    -------
    float
        s^2. 0 at T = 0.

    Raises
    ------
    ValueError
        If the backend, or every backend, refuses the model.

    Notes
    -----
    Braunstein and Caves, PRL 72, 3439 (1994). Nothing is differentiated numerically.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, TrapLoss
    >>> round(qfi(Ramsey(Ghz(8), (Dephasing(1.0), TrapLoss(0.1)), time=0.3)), 9)
    0.411040913
    """
    information = qfi_phase(select(model, backend).evolve(model))
    return model.time**2 * information


def cfi(model: Ramsey, readout: Readout, backend: Backend | Literal["auto"] = "auto") -> float:
    r"""Classical Fisher information about the detuning that a readout extracts.

    .. math:: F_\delta = T^2\sum_o \frac{(\partial_\varphi p(o))^2}{p(o)} \le F^\mathrm{quantum}_\delta

    Parameters
    ----------
    model : Ramsey
        The experiment; its `phase` matters when the readout has a fixed angle.
    readout : Readout
        What is measured, `Parity` or `CollectiveSpin`.
    backend : Backend or "auto", optional
        "auto" takes the cheapest exact one.

    Returns
    -------
    float
        s^2.

    Raises
    ------
    TypeError
        If `readout` is no Readout.
    ValueError
        If the backend refuses the model or the readout can't be evaluated exactly for so many atoms.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Parity
    >>> round(cfi(Ramsey(Ghz(4), Dephasing(1.0), time=0.25), Parity()), 9)
    0.367879441
    """
    if not isinstance(readout, Readout):
        raise TypeError(f"readout must be a Readout such as Parity(), got {readout!r}")
    information = cfi_phase(select(model, backend).evolve(model), readout)
    return model.time**2 * information


@singledispatch
def qfi_phase(tangent: Tangent) -> float:
    """Quantum Fisher information for the phase of one atom."""
    raise TypeError(f"no quantum Fisher information for a {type(tangent).__name__}")


@singledispatch
def cfi_phase(tangent: Tangent, readout: Readout) -> float:
    """Fisher information of a readout for the phase of one atom."""
    raise TypeError(f"no readout of a {type(tangent).__name__}")
