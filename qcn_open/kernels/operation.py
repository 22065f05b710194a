"""The compiled loop of a network whose nodes come and go: some share a cascade, some run on their own."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.cascade import CascadeTables, estimate, sample
from qcn_open.kernels.oscillator import DEAD, INTERROGATION, OscillatorTables, advance
from qcn_open.kernels.random import normal, uniform
from qcn_open.kernels.security import accumulate, flip_parities, outcome

__all__ = ["ALONE", "MEMBER", "SILENT", "Tests", "run"]

SILENT, MEMBER, ALONE = 0, 1, 2
_TURN = 2.0 * math.pi


class Tests(NamedTuple):
    """How nodes are tested.

    Attributes
    ----------
    alternatives : ndarray, shape (nodes, alternatives, 2)
        Shift and contrast of each.
    contrast : ndarray, shape (nodes,)
        What an honest node shows against the reference.
    qubits : ndarray, shape (nodes, 2)
        Contrast of the test qubit itself, and probability that no atom of it is lost.
    atoms, threshold, rate
        Of a test qubit; of the statistics; tests of a node a cycle.
    """

    alternatives: NDArray[np.float64]
    contrast: NDArray[np.float64]
    qubits: NDArray[np.float64]
    atoms: int
    threshold: float
    rate: float


@njit(cache=True, nogil=True)
def run(
    random: NDArray[np.uint64],
    lasers: tuple[OscillatorTables, ...],
    links: tuple[OscillatorTables, ...],
    link_noise: NDArray[np.float64],
    lags: NDArray[np.float64],
    effects: NDArray[np.float64],
    shared: CascadeTables,
    blocks: int,
    alone: tuple[CascadeTables, ...],
    reference: CascadeTables,
    shares: NDArray[np.float64],
    singles: NDArray[np.float64],
    ratios: NDArray[np.float64],
    status: NDArray[np.int64],
    duties: NDArray[np.int64],
    tests: Tests,
    gain: float,
    memory: NDArray[np.float64],
    firsts: NDArray[np.int64],
    corrections: NDArray[np.float64],
    statistics: NDArray[np.float64],
    start: int,
    stop: int,
    errors: NDArray[np.float64],
    phases: NDArray[np.float64],
    common: NDArray[np.float64],
) -> tuple[int, int]:
    """Run from cycle `start` to `stop`, or to an alarm; the next cycle, and the accused node or -1.

    Parameters
    ----------
    links, link_noise : noise of the comparison of each node's laser with the reference at the centre
    lags : (nodes,) part of an interrogation for which the last correction is not there yet
    effects : (nodes, 3) rows of `qcn_open.security.Effect`
    shared, blocks : tables of the cascade of all members, and its first channel that all of them share
    alone : tables of the clock that each node has by itself
    reference : tables of the uncorrelated atoms of all members, which tests rely on
    shares, singles, ratios : (nodes,) of the members: their shares of a block, their shares of the uncorrelated atoms,
        and their frequency over that of the blocks
    status : (nodes,) SILENT: no estimate; MEMBER; ALONE
    duties : (cycles,) the centre of each cycle, who is not tested
    memory, firsts : of lasers, then of links, and where those of each begin
    corrections : (2, nodes) last and present phase taken off each laser, rad
    statistics : (nodes, alternatives) of the tests
    errors, phases : (nodes, cycles) filled in, as in `NetworkRecord`
    common : (cycles,) filled in: error of the phase of the members' centre of mass
    """
    nodes = len(lasers)
    dead = lasers[0].duration[DEAD] / lasers[0].duration[INTERROGATION]
    counts = np.zeros((len(shared.channels), 2), dtype=np.int64)
    claimed, told, seen, flips = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    members = 0
    for node in range(nodes):
        members += int(status[node] == MEMBER)
    for cycle in range(start, stop):
        accused, suspicion = -1, tests.threshold
        measured, mean, mean_told, kept, flipped = 0.0, 0.0, 0.0, 1.0, 0.0
        for node in range(nodes):
            held = memory[firsts[node] : firsts[node + 1]]
            phase = advance(random, lasers[node], INTERROGATION, held)
            # Who runs alone waits for no message.
            late = lags[node] if status[node] == MEMBER else 0.0
            phase -= late * corrections[0, node] + (1.0 - late) * corrections[1, node]
            phases[node, cycle] = phase
            held = memory[firsts[nodes + node] : firsts[nodes + node + 1]]
            drift, jitter = advance(random, links[node], INTERROGATION, held), link_noise[node] * normal(random)
            active = uniform(random) < effects[node, 2]
            false = jitter + (effects[node, 0] if active else 0.0)
            claimed[node] = told[node] = phase + drift + false
            flips[node] = effects[node, 1] if active else 0.0
            if dead > 0.0:
                # The lasers are compared all the time: what the dead time hides is the centre of mass only.
                drift += advance(random, links[node], DEAD, held)
                held = memory[firsts[node] : firsts[node + 1]]
                whole = (phase + advance(random, lasers[node], DEAD, held) - dead * corrections[1, node]) / (1.0 + dead)
                told[node] = whole + drift / (1.0 + dead) + false
                phases[node, cycle] = whole
            seen[node] = phase
            if status[node] == MEMBER:
                measured += shares[node] * phase
                mean += shares[node] * claimed[node]
                mean_told += shares[node] * told[node]
                kept *= 1.0 - 2.0 * flips[node]
                flipped += singles[node] * flips[node]
        estimated, expected, asked = 0.0, 0.0, False
        if members > 0:
            sample(random, shared, measured, 0.0, counts)
            flip_parities(random, counts[:blocks], 0, flipped)
            flip_parities(random, counts, blocks, 0.5 * (1.0 - kept))
            estimated = estimate(shared, counts, 0.0)
        common[cycle] = estimated - measured if members > 0 else math.nan
        for node in range(nodes):
            phase, sent = seen[node], 0.0
            if status[node] == MEMBER:
                sent = told[node] + ratios[node] * (estimated - mean_told)
                if node != duties[cycle] and uniform(random) < tests.rate * tests.qubits[node, 1]:
                    if not asked:
                        expected, asked = estimate(reference, counts[:blocks], 0.0), True
                    secret = _TURN * uniform(random)
                    parity = outcome(random, secret + tests.atoms * phase, tests.qubits[node, 0], flips[node])
                    believed = secret + tests.atoms * (claimed[node] + ratios[node] * (expected - mean))
                    largest = accumulate(
                        statistics[node], tests.alternatives[node], tests.contrast[node], believed, parity
                    )
                    if largest >= suspicion:
                        accused, suspicion = node, largest
            elif status[node] == ALONE:
                own = alone[node]
                outcomes = np.zeros((len(own.channels), 2), dtype=np.int64)
                sample(random, own, phase, 0.0, outcomes)
                sent = estimate(own, outcomes, 0.0)
            errors[node, cycle] = sent - phases[node, cycle]
            corrections[0, node] = corrections[1, node]
            corrections[1, node] += gain * sent
        if accused >= 0:
            return cycle + 1, accused
    return stop, -1
