"""Any state of many atoms, given as a quimb matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.probes.base import DENSE_ATOMS, Probe

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator, MatrixProductState

__all__ = ["MpsState"]


class MpsState(Probe):
    """Any matrix product state, or density matrix product operator, of two-level atoms; equal only to itself.

    Parameters
    ----------
    state : quimb.tensor.MatrixProductState or quimb.tensor.MatrixProductOperator
        With open ends and physical dimension 2, on each site in the order (g, e). An operator is taken as a density
        operator, its upper indices those of the ket; of that it is checked to have trace 1 and to be Hermitian, but
        not to be positive, which can't be seen from its tensors.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If it is a ring, a physical dimension is not 2, or it is not normalised or not Hermitian.

    Examples
    --------
    >>> import quimb.tensor
    >>> MpsState(quimb.tensor.MPS_ghz_state(50)).atoms
    50
    """

    def __init__(self, state: MatrixProductState | MatrixProductOperator) -> None:
        from quimb.tensor import MatrixProductOperator, MatrixProductState

        if not isinstance(state, MatrixProductState | MatrixProductOperator):
            raise TypeError(f"MpsState needs a quimb MatrixProductState or MatrixProductOperator, got {state!r:.60}")
        self._mixed = isinstance(state, MatrixProductOperator)
        if state.cyclic:
            raise ValueError("MpsState needs a matrix product with open ends, got a ring")
        sizes = {
            state.ind_size(index)
            for site in range(state.L)
            for index in ((state.upper_ind(site), state.lower_ind(site)) if self._mixed else (state.site_ind(site),))
        }
        if sizes != {2}:
            wrong = min(sizes - {2})
            raise ValueError(f"MpsState needs two-level atoms, physical dimension 2 at every site, got {wrong}")
        if self._mixed:
            norm = complex(state.trace())
            square = abs(complex(state.H @ state))
            # ||rho - rho^dagger||^2 = 2 Tr rho^dagger rho - 2 Re Tr rho rho.
            if not abs(square - complex(state.apply(state).trace()).real) <= 1e-12 * square:
                raise ValueError("MpsState needs a Hermitian density operator")
        else:
            norm = complex(state.H @ state)
        if not abs(norm - 1.0) <= 1e-10:
            raise ValueError(f"MpsState must be normalised to 1, got {norm:.12g}; divide it by its norm or trace")
        self._state = state.copy()

    def __repr__(self) -> str:
        return f"MpsState(<{self.atoms} atoms, bond {self._state.max_bond() or 1}>)"

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return int(self._state.L)

    def network(self) -> MatrixProductState | MatrixProductOperator:
        """The state as it was given."""
        return self._state.copy()

    def vector(self) -> NDArray[np.complex128]:
        """Amplitudes, or the density matrix when it is mixed."""
        if self.atoms > DENSE_ATOMS:
            raise ValueError(f"a dense state is limited to {DENSE_ATOMS} atoms, {self!r} has {self.atoms}")
        dense = np.asarray(self._state.to_dense(), dtype=complex)
        return dense if self._mixed else dense.ravel()
