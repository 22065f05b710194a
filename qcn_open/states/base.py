r"""What a backend returns: a state and its derivative with respect to the phase.

A `Tangent` stands for the pair :math:`(\rho, \partial\rho/\partial\varphi)` with :math:`\varphi = \delta T` the
phase of one atom. Functionals are dispatched on its type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qutip import Qobj

__all__ = ["Tangent", "freeze"]


class Tangent:
    r"""A state :math:`\rho` together with :math:`\partial\rho/\partial\varphi`."""

    def to_qutip(self) -> tuple[Qobj, Qobj]:
        """The pair as QuTiP operators."""
        from qutip import Qobj

        state, derivative, dimensions = self._dense()
        dims = [list(dimensions), list(dimensions)]
        return Qobj(state, dims=dims), Qobj(derivative, dims=dims)

    def to_quimb(self) -> tuple[Any, Any]:
        """The pair as quimb matrix product operators, one tensor a site."""
        from quimb.tensor import MatrixProductOperator

        state, derivative, dimensions = self._dense()
        return tuple(
            MatrixProductOperator.from_dense(array, list(dimensions), cutoff=0.0) for array in (state, derivative)
        )

    def _dense(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128], tuple[int, ...]]:
        raise NotImplementedError


def freeze(*arrays: NDArray[Any]) -> None:
    """Make arrays read-only."""
    for array in arrays:
        array.setflags(write=False)
