r"""Many atoms as a tensor network: one site for each, and noise acting site by site, exactly.

The density operator of a probe with bond D has bond D^2 as a matrix product; local noise multiplies every tensor by the
superoperator of one atom and leaves the bonds as they are. There is no time step and nothing is compressed: the
cutoffs by which compression usually works are relative to the populations, and would delete the faint coherences that
carry the phase.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.noise import channel, generator, is_covariant
from qcn_open.noise.base import EXCITED, LEVELS, LOST
from qcn_open.probes import GhzBlocks
from qcn_open.probes.base import NETWORK_ATOMS
from qcn_open.states import NetworkTangent
from qcn_open.states.network import excitation_order, normalised
from qcn_open.validation import count, positive

__all__ = ["QuimbMPO", "interleaved"]

Tensors = list[NDArray[np.complex128]]

_PHASE_ERROR = 1e-14
_MAX_HERMITE = 120
_MAX_ENTRIES = 10**8


@dataclass(frozen=True)
class QuimbMPO(Backend):
    """Any probe with small bonds, as a matrix product of its atoms; 1000 atoms are as good as ten.

    Parameters
    ----------
    max_bond : int
        Largest bond of the density operator. A state that needs more is refused, not cut.
    max_sld_bond : int
        Largest bond of the logarithmic derivative in the variational quantum Fisher information.
    rtol : float
        Relative change of that information from sweep to sweep below which it has converged.
    order : tuple of int, optional
        Which atom is at each site, for products of GHZ blocks. Unless given, the blocks stand one after the other,
        which keeps the bonds smallest; atoms ordered by node, say, need the bond 4 for each block that is open.

    Raises
    ------
    ValueError
        If a bond is not a whole number >= 1, the tolerance not > 0, or the order not a permutation.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Ramsey
    >>> state = QuimbMPO().evolve(Ramsey(Ghz(1000), Dephasing(1.0), time=1e-3))
    >>> max(state.bonds)
    4
    """

    max_bond: int = 1024
    max_sld_bond: int = 64
    rtol: float = 1e-8
    order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("max_bond", "max_sld_bond"):
            object.__setattr__(self, name, count(f"QuimbMPO {name}", getattr(self, name)))
        object.__setattr__(self, "rtol", positive("QuimbMPO rtol", self.rtol))
        if self.order is not None:
            order = tuple(self.order)
            if sorted(order) != list(range(len(order))):
                raise ValueError(f"QuimbMPO order must name every atom from 0 on once, got {self.order!r:.60}")
            object.__setattr__(self, "order", order)

    def refusal(self, model: Ramsey) -> str | None:
        """Why the network would be too large, or its derivative is not that of a phase rotation."""
        if not is_covariant(generator(model.local_noise)):
            return "its noise is not phase-covariant"
        if model.atoms > NETWORK_ATOMS:
            return f"{model.atoms} atoms exceed the {NETWORK_ATOMS} sites of a tensor network"
        if self.order is not None and model.probe.ghz_blocks() is None:
            return f"an order of the sites is for products of GHZ blocks, {model.probe!r} is none"
        if self.order is not None and len(self.order) != model.atoms:
            return f"its order places {len(self.order)} atoms, the probe has {model.atoms}"
        if model.probe.ghz_blocks() is None:
            try:
                model.probe.network()
            except ValueError as error:
                return str(error)
        bonds, _ = self._plan(model)
        levels, largest = _levels(model), max(bonds)
        if largest > self.max_bond:
            return f"its density operator needs bonds of dimension {largest}, more than max_bond={self.max_bond}"
        entries = levels**2 * sum(left * right for left, right in pairwise((*bonds, 1)))
        if entries > _MAX_ENTRIES:
            return f"its density operator has {entries:.1e} entries, more than {_MAX_ENTRIES:.0e}"
        return None

    def evolve(self, model: Ramsey) -> NetworkTangent:
        """Matrix product after the interrogation; levels (g, e), and lost where the noise or the probe leads there."""
        self.require(model)
        tensors = _noisy(self._density(model), model)
        error = 0.0
        if model.common_phase_variance > 0.0:
            _, nodes = self._plan(model)
            if nodes is None:
                tensors = _counted(tensors, model.common_phase_variance)
            else:
                tensors, error = _averaged(tensors, nodes), nodes.error
        order = self.order if self.order is not None else tuple(range(model.atoms))
        return NetworkTangent(tuple(tensors), model.probe.block_sizes(), order, error, self.max_sld_bond, self.rtol)

    def _density(self, model: Ramsey) -> Tensors:
        """Density operator of the probe on the levels it has, shape (left, ket, bra, right) a site."""
        blocks = model.probe.ghz_blocks()
        if blocks is not None:
            return _projectors(_ghz_tensors(blocks, self.order))
        network = model.probe.network()
        if not hasattr(network, "upper_ind"):
            return list(normalised(_projectors(_site_tensors(network, "lpr"))))
        return list(normalised(_site_tensors(network, "ludr")))

    def _plan(self, model: Ramsey) -> tuple[tuple[int, ...], PhaseNodes | None]:
        """Bonds of the density operator, and how a random phase common to all atoms is averaged.

        The coherence order so far is counted along the network where it takes few values, as in products of GHZ
        blocks; else the phase is averaged over a few nodes.
        """
        blocks = model.probe.ghz_blocks()
        if blocks is None:
            network = model.probe.network()
            sizes = [network.bond_size(site, site + 1) for site in range(network.L - 1)]
            bonds = np.array([1, *sizes]) ** (1 if hasattr(network, "upper_ind") else 2)
            counted = None
        else:
            bonds, counted = _bonds_of_blocks(blocks, self.order, model.common_phase_variance > 0.0)
        if model.common_phase_variance == 0.0:
            return tuple(bonds.tolist()), None
        nodes = _phase_nodes(model.common_phase_variance, model.atoms)
        averaged = bonds * len(nodes.angles)
        averaged[0] = 1
        if counted is not None and counted.max() <= averaged.max():
            return tuple(counted.tolist()), None
        return tuple(averaged.tolist()), nodes


@dataclass(frozen=True, eq=False)
class PhaseNodes:
    """Phases and weights whose average of exp(i q angle) is exp(-q^2 variance/2) up to `error`, for all orders q."""

    angles: NDArray[np.float64]
    weights: NDArray[np.float64]
    error: float


def interleaved(block_sizes: Sequence[int], together: int | None = None) -> tuple[int, ...]:
    """Order of the sites in which the atoms of several blocks alternate, as evenly as their sizes allow.

    Parameters
    ----------
    block_sizes : sequence of int
        Atoms of each block.
    together : int, optional
        How many neighbouring blocks are open at a time, in a window that slides along: the bond is about 4 to this
        power. All of them unless given.

    Returns
    -------
    tuple of int
        For `QuimbMPO.order`.

    Examples
    --------
    >>> interleaved([2, 4])
    (2, 0, 3, 4, 1, 5)
    >>> interleaved([2, 2, 2], together=2)
    (0, 2, 1, 4, 3, 5)
    """
    window = None if together is None else count("interleaved together", together)
    first = np.concatenate([[0], np.cumsum(block_sizes)])
    # Where two blocks meet, the later one goes first: so they do alternate.
    places = [
        (
            (atom + 0.5) / size if window is None else block + window * (atom + 0.5) / size,
            -block,
            int(first[block]) + atom,
        )
        for block, size in enumerate(block_sizes)
        for atom in range(size)
    ]
    return tuple(atom for *_, atom in sorted(places))


def _levels(model: Ramsey) -> int:
    """3 where some jump operator leads to the lost level or the probe has one, else 2."""
    if any(jump[LOST].any() for noise in model.local_noise for jump in noise.jumps()):
        return LEVELS
    if model.probe.ghz_blocks() is not None:
        return LEVELS - 1
    network = model.probe.network()
    return int(network.ind_size(network.upper_ind(0) if hasattr(network, "upper_ind") else network.site_ind(0)))


def _placed(blocks: Sequence[GhzBlocks], order: Sequence[int] | None) -> list[tuple[int, int, GhzBlocks]]:
    """(number of the block, atom of the block, kind) at each site."""
    atoms = [
        (number, atom, kind)
        for number, kind in enumerate(kind for kind in blocks for _ in range(kind.copies))
        for atom in range(kind.size)
    ]
    if order is None:
        return atoms
    seen: Counter[int] = Counter()
    placed = []
    # Atoms of one block are alike: they are taken in the order of their sites.
    for number, _, kind in (atoms[atom] for atom in order):
        placed.append((number, seen[number], kind))
        seen[number] += 1
    return placed


def _ghz_tensors(blocks: Sequence[GhzBlocks], order: Sequence[int] | None) -> Tensors:
    """A product of GHZ blocks in any order of the sites: every open block has a line of dimension 2 in the bond."""
    cores = {kind: kind.tensors() for kind in blocks}
    if order is None:
        return [tensor for kind in blocks for tensor in cores[kind] * kind.copies]
    lines: list[int] = []
    tensors = []
    for number, atom, kind in _placed(blocks, order):
        if atom == 0:
            lines.append(number)
        before = lines.index(number)
        outer, inner = np.eye(2**before), np.eye(2 ** (len(lines) - 1 - before))
        core = cores[kind][atom]
        tensor = np.einsum("ij,lsr,km->ilksjrm", outer, core, inner)
        left, right = len(outer) * len(inner) * core.shape[0], len(outer) * len(inner) * core.shape[2]
        tensors.append(tensor.reshape(left, 2, right))
        if atom == kind.size - 1:
            lines.remove(number)
    return tensors


def _bonds_of_blocks(
    blocks: Sequence[GhzBlocks], order: Sequence[int] | None, counting: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Bonds of the density operator, the first one included, without and with the orders of coherence counted."""
    bonds, counted = [1], [1]
    charges = np.ones(1, dtype=bool)
    is_open: set[int] = set()
    for number, atom, kind in _placed(blocks, order)[:-1]:
        is_open.add(number)
        if atom == kind.size - 1:
            is_open.remove(number)
            if counting:
                wider = np.zeros(len(charges) + 2 * kind.size, dtype=bool)
                for shift in (0, kind.size, 2 * kind.size):
                    wider[shift : shift + len(charges)] |= charges
                charges = wider
        bonds.append(4 ** len(is_open))
        counted.append(bonds[-1] * int(charges.sum()))
    return np.array(bonds), np.array(counted) if counting else None


def _site_tensors(network: Any, shape: str) -> Tensors:
    """Tensors of a quimb network as arrays (left, level, ..., right)."""
    network = network.copy()
    network.permute_arrays(shape)
    arrays = [np.asarray(array, dtype=complex) for array in network.arrays]
    # quimb leaves out the bonds at the ends.
    arrays[0] = arrays[0][None]
    arrays[-1] = arrays[-1][..., None]
    return arrays


def _projectors(amplitudes: Tensors) -> Tensors:
    """Tensors of a pure state's density operator."""

    def projector(tensor: NDArray[np.complex128]) -> NDArray[np.complex128]:
        left, level, right = tensor.shape
        both = np.einsum("lar,mbs->lmabrs", tensor, tensor.conj())
        return np.asarray(both.reshape(left**2, level, level, right**2))

    return _each(projector, amplitudes)


def _noisy(tensors: Tensors, model: Ramsey) -> Tensors:
    """Phase and local noise of the interrogation on every site."""
    levels = _levels(model)
    rotation = np.exp(1j * model.phase * excitation_order(levels))
    superoperator = channel(model.local_noise, model.time).reshape((LEVELS,) * 4)

    def interrogated(tensor: NDArray[np.complex128]) -> NDArray[np.complex128]:
        given = tensor.shape[1]
        local = superoperator[:levels, :levels, :given, :given] * rotation[:, :, None, None]
        return np.asarray(np.einsum("abcd,lcdr->labr", local, tensor, optimize=True))

    return _each(interrogated, tensors)


def _each(change: Callable[[NDArray[np.complex128]], NDArray[np.complex128]], tensors: Tensors) -> Tensors:
    """The change of every tensor, done once for those that are one object."""
    changed = {id(tensor): change(tensor) for tensor in {id(tensor): tensor for tensor in tensors}.values()}
    return [changed[id(tensor)] for tensor in tensors]


def _counted(tensors: Tensors, variance: float) -> Tensors:
    r"""Damping of every coherence of order q by :math:`e^{-q^2\mathrm{Var}/2}`: the bonds count the order so far."""
    channels, orders = np.zeros(1, dtype=int), np.zeros(1, dtype=int)
    counted = []
    for site, tensor in enumerate(tensors):
        left, ket, bra, right = np.nonzero(tensor)
        row, entry = np.nonzero(channels[:, None] == left)
        order = orders[row] + (ket[entry] == EXCITED).astype(int) - (bra[entry] == EXCITED).astype(int)
        value = tensor[left[entry], ket[entry], bra[entry], right[entry]]
        if site == len(tensors) - 1:
            value, order = value * np.exp(-0.5 * variance * order.astype(float) ** 2), np.zeros_like(order)
        labels, column = np.unique(np.stack([right[entry], order]), axis=1, return_inverse=True)
        wide = np.zeros((len(channels), *tensor.shape[1:3], labels.shape[1]), dtype=complex)
        np.add.at(wide, (row, ket[entry], bra[entry], column.ravel()), value)
        counted.append(wide)
        channels, orders = labels
    return counted


def _phase_nodes(variance: float, largest: int) -> PhaseNodes:
    """The fewest nodes found for all orders up to `largest`: Gauss-Hermite, or equally spaced ones, which are exact."""
    order = np.arange(largest + 1)
    wanted = np.exp(-0.5 * variance * order.astype(float) ** 2)
    for number in range(2, min(2 * largest, _MAX_HERMITE) + 1):
        angles, weights = np.polynomial.hermite_e.hermegauss(number)
        angles, weights = np.sqrt(variance) * angles, weights / weights.sum()
        error = float(np.abs(np.cos(np.outer(order, angles)) @ weights - wanted).max())
        if error < _PHASE_ERROR:
            return PhaseNodes(angles, weights, error)
    number = 2 * largest + 1
    angles = 2.0 * np.pi * np.arange(number) / number
    weights = (1.0 + 2.0 * np.cos(np.outer(angles, order[1:])) @ wanted[1:]) / number
    return PhaseNodes(angles, weights, float(np.abs(np.cos(np.outer(order, angles)) @ weights - wanted).max()))


def _averaged(tensors: Tensors, nodes: PhaseNodes) -> Tensors:
    """Sum over the nodes of the rotated network, each with bond indices of its own."""
    levels = tensors[0].shape[1]
    rotations = np.exp(1j * nodes.angles[:, None, None] * excitation_order(levels))
    number = len(nodes.angles)

    def rotated(tensor: NDArray[np.complex128]) -> NDArray[np.complex128]:
        left, _, _, right = tensor.shape
        wide = np.zeros((number, left, levels, levels, number, right), dtype=complex)
        index = np.arange(number)
        wide[index, :, :, :, index] = rotations[:, None, :, :, None] * tensor
        return np.asarray(wide.reshape(number * left, levels, levels, number * right))

    averaged = _each(rotated, tensors)
    averaged[0] = np.einsum("k,klabr->labr", nodes.weights, averaged[0].reshape(number, -1, *averaged[0].shape[1:]))
    averaged[-1] = averaged[-1].reshape(*averaged[-1].shape[:3], number, -1).sum(axis=3)
    return averaged
