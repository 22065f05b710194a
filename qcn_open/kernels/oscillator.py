"""Phase that a noisy laser accumulates, step by step: the exact recursion of `qcn_open.oscillator` on plain arrays.

A compiled loop uses it so, with `tables = oscillator.tables(interrogation_time, dead_time)` built outside::

    memory = np.empty(tables.start.size)
    begin(random, tables, memory)                                     # the laser starts on resonance
    for cycle in range(cycles):
        phase = advance(random, tables, INTERROGATION, memory)        # rad, over one interrogation
        unseen = advance(random, tables, DEAD, memory)                # rad, over the dead time, if there is any

Steps of either kind follow one another in any order. A loop with nested Ramsey times builds its tables for the shortest
of them, takes as many interrogation steps as fit into the longest one, and adds the phases up. White noise has no
memory and takes one normal deviate a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.leaf import leaf
from qcn_open.kernels.random import normal

__all__ = ["DEAD", "INTERROGATION", "OscillatorTables", "advance", "begin", "record"]

INTERROGATION, DEAD = 0, 1


class OscillatorTables(NamedTuple):
    r"""Coefficients of a step of either kind for components :math:`x_k` of the frequency.

    .. math:: \Phi = \text{spread}\,\xi_0 + \sum_k (\text{lean}_k x_k + \text{push}_k\xi_k), \quad
              x_k \to \text{decay}_k x_k + \text{kick}_k\xi_k

    with independent normal deviates :math:`\xi`. The first index of the arrays is `INTERROGATION` or `DEAD`.

    Parameters
    ----------
    duration : ndarray of shape (2,)
        Of a step, s.
    spread : ndarray of shape (2,)
        Standard deviation of the phase that the components leave open, rad.
    moves : ndarray of shape (2, components, 4)
        Decay (1), kick (rad/s), lean (s) and push (rad) of each component.
    start : ndarray of shape (components,)
        Standard deviation of each component before the first step, rad/s.
    """

    duration: NDArray[np.float64]
    spread: NDArray[np.float64]
    moves: NDArray[np.float64]
    start: NDArray[np.float64]


@njit(cache=True)
def begin(random: NDArray[np.uint64], tables: OscillatorTables, memory: NDArray[np.float64]) -> None:
    """Draw the components before the first step; the first one, which never decays, sets their sum to zero."""
    total = 0.0
    for k in range(1, memory.size):
        memory[k] = tables.start[k] * normal(random)
        total += memory[k]
    if memory.size > 0:
        memory[0] = -total


@leaf
def advance(random: NDArray[np.uint64], tables: OscillatorTables, step: int, memory: NDArray[np.float64]) -> float:
    """Phase (rad) accumulated over the next step, `INTERROGATION` or `DEAD`; moves the memory on."""
    # A name of its own: Numba counts the references to an array anew at every look into a tuple.
    moves = tables.moves
    phase = tables.spread[step] * normal(random)
    for k in range(memory.size):
        deviate = normal(random)
        phase += moves[step, k, 2] * memory[k] + moves[step, k, 3] * deviate
        memory[k] = moves[step, k, 0] * memory[k] + moves[step, k, 1] * deviate
    return phase


@njit(cache=True)
def record(
    random: NDArray[np.uint64], tables: OscillatorTables, memory: NDArray[np.float64], phases: NDArray[np.float64]
) -> None:
    """Fill phases[cycle, 0] with those over the interrogations and phases[cycle, 1] with those over the dead times."""
    for cycle in range(phases.shape[0]):
        phases[cycle, 0] = advance(random, tables, INTERROGATION, memory)
        phases[cycle, 1] = advance(random, tables, DEAD, memory) if tables.duration[DEAD] > 0.0 else 0.0
