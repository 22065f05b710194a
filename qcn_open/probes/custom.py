"""Any state of a few atoms, given as a QuTiP object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.probes.base import DENSE_ATOMS, Probe, dicke_states

if TYPE_CHECKING:
    from qutip import Qobj

__all__ = ["CustomState"]


class CustomState(Probe):
    """Any ket or density matrix of two-level atoms; immutable, equal only to itself.

    Parameters
    ----------
    state : qutip.Qobj
        Ket or density matrix with dims [[2, ..., 2], ...]; on each atom the order is (g, e), so
        ``qutip.basis(2, 1)`` is an excited atom.

    Raises
    ------
    TypeError
        If it is not a Qobj.
    ValueError
        If its subsystems are not two-level, there are more than 14, or it is not a normalised state.

    Examples
    --------
    >>> import qutip
    >>> CustomState(qutip.bell_state("00")).atoms
    2
    """

    def __init__(self, state: Qobj) -> None:
        from qutip import Qobj

        if not isinstance(state, Qobj):
            raise TypeError(f"CustomState needs a qutip.Qobj, got {type(state).__name__}")
        if not (state.isket or state.isoper) or set(np.ravel(state.dims[0])) != {2}:
            raise ValueError(
                "CustomState needs a ket or a density matrix of two-level atoms, dims=[[2, 2, ...], ...], "
                f"got dims={state.dims}"
            )
        if state.isoper and state.dims[0] != state.dims[1]:
            raise ValueError(f"CustomState needs a square density matrix, got dims {state.dims}")
        self._atoms = len(state.dims[0])
        if self._atoms > DENSE_ATOMS:
            raise ValueError(f"CustomState is limited to {DENSE_ATOMS} atoms, got {self._atoms}")
        array = np.asarray(state.full(), dtype=complex)
        if state.isket:
            array = array.ravel()
            norm = float(np.vdot(array, array).real)
        else:
            norm = float(np.trace(array).real)
            if not np.allclose(array, array.conj().T, rtol=0.0, atol=1e-12) or np.linalg.eigvalsh(array)[0] < -1e-12:
                raise ValueError("CustomState needs a Hermitian density matrix without negative eigenvalues")
        if not abs(norm - 1.0) <= 1e-10:
            raise ValueError(f"CustomState must be normalised to 1, got {norm:.12g}; use state.unit()")
        array /= np.sqrt(norm) if state.isket else norm
        array.setflags(write=False)
        self._array = array

    def __repr__(self) -> str:
        return f"CustomState(<{self._atoms} atoms>)"

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self._atoms

    def vector(self) -> NDArray[np.complex128]:
        """The amplitudes, or the density matrix when the state was given as one; read-only."""
        return self._array

    def symmetric_state(self) -> NDArray[np.complex128] | None:
        """Its part in the symmetric subspace, when that is all of it to 1e-10."""
        embedding = dicke_states(self._atoms)
        if self._array.ndim == 1:
            part = embedding.T @ self._array
            weight = float(np.vdot(part, part).real)
        else:
            part = embedding.T @ self._array @ embedding
            weight = float(np.trace(part).real)
        return part if abs(weight - 1.0) <= 1e-10 else None
