"""The compiled loop of a clock: interrogate, estimate, steer."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.cascade import CascadeTables, estimate, least_squares, sample, sample_level
from qcn_open.kernels.oscillator import DEAD, INTERROGATION, OscillatorTables, advance, begin
from qcn_open.kernels.random import normal

__all__ = ["run", "run_nodes"]

_TURN = 2.0 * math.pi


@njit(cache=True, nogil=True)
def run(
    random: NDArray[np.uint64],
    laser: OscillatorTables,
    ensembles: NDArray[np.void],
    atoms: NDArray[np.void],
    ratios: NDArray[np.int64],
    cascade: CascadeTables,
    gain: float,
    counts: NDArray[np.int64],
    errors: NDArray[np.float64],
    phases: NDArray[np.float64],
    wrong: NDArray[np.int64],
) -> tuple[int, int]:
    """Fill `errors` and `phases` (rad, over the interrogation time) cycle by cycle.

    The ensembles are levels, the atoms their channels, as in the tables of a cascade. Ensemble k is interrogated
    ratios[k] times while the next, after the last one the cascade, is once; the sum of its estimates predicts the phase
    of the next, 0 that of the first. The laser's interrogation is that of the first ensemble. wrong[j] counts the
    cycles whose error, up to whole turns, is more than half a period of level j of the cascade.

    Returns
    -------
    slips, slipped_cycles
        How often the fringe changed that the estimate is on, and for how many cycles it was a wrong one.
    """
    top = len(ratios)
    steps = 1
    for ratio in ratios:
        steps *= ratio
    memory = np.empty(laser.start.size)
    begin(random, laser, memory)
    dead = laser.duration[DEAD] / (steps * laser.duration[INTERROGATION])
    true, read = np.zeros(top), np.zeros(top)
    done = np.zeros(top, dtype=np.int64)
    correction = 0.0
    fringe, slips, slipped = 0, 0, 0
    for cycle in range(errors.size):
        phase, predicted = 0.0, 0.0
        for _ in range(steps):
            phase, predicted = advance(random, laser, INTERROGATION, memory) - correction / steps, 0.0
            for rung in range(top):
                sample_level(random, ensembles[rung], atoms, math.cos(phase), math.sin(phase), counts)
                known, own = least_squares(ensembles[rung], atoms, counts)
                if known:
                    predicted = own + _TURN * math.floor((predicted - own) / _TURN + 0.5)
                true[rung] += phase
                read[rung] += predicted
                done[rung] += 1
                if done[rung] < ratios[rung]:
                    break
                phase, predicted = true[rung], read[rung]
                true[rung], read[rung], done[rung] = 0.0, 0.0, 0
        sample(random, cascade, phase, predicted, counts)
        predicted = estimate(cascade, counts, predicted)
        error = predicted - phase
        turns = math.floor(error / _TURN + 0.5)
        slips += int(turns != fringe)
        slipped += int(turns != 0)
        fringe = turns
        rest = abs(error - _TURN * turns)
        level = wrong.size - 1
        while level >= 0 and rest * cascade.levels[level].size > math.pi:
            wrong[level] += 1
            level -= 1
        if dead > 0.0:
            # The phase over an interrogation time at the mean detuning of the whole cycle.
            phase = (phase + advance(random, laser, DEAD, memory) - dead * correction) / (1.0 + dead)
        errors[cycle] = predicted - phase
        phases[cycle] = phase
        correction += gain * predicted
    return slips, slipped


@njit(cache=True, nogil=True)
def run_nodes(
    random: NDArray[np.uint64],
    lasers: tuple[OscillatorTables, ...],
    links: tuple[OscillatorTables, ...],
    cascade: CascadeTables,
    shares: NDArray[np.float64],
    believed: NDArray[np.float64],
    jitter: NDArray[np.float64],
    late: NDArray[np.bool_],
    each: bool,
    gain: float,
    counts: NDArray[np.int64],
    errors: NDArray[np.float64],
    phases: NDArray[np.float64],
) -> None:
    """Fill `errors` and `phases`, shape (nodes, cycles), of the lasers of nodes that share a cascade.

    The cascade measures the sum of the phases weighted by `shares`. The centre beats the lasers with its own; it takes
    what it measured for the mean weighted by `believed` and sends `each` node the phase of its own laser, or all of
    them that of the mean. To each beat the link adds `jitter` (rad rms) and the phase of its own frequency noise; there
    are no links where `jitter` is empty. The light of a node that is `late` is that of an interrogation which began and
    ended earlier by the laser's second step, the end of each interrogation.
    """
    nodes = len(lasers)
    linked = jitter.size > 0
    first = np.zeros(2 * nodes + 1, dtype=np.int64)
    for node in range(nodes):
        first[node + 1] = first[node] + lasers[node].start.size
    for node in range(nodes):
        first[nodes + node + 1] = first[nodes + node] + (links[node].start.size if linked else 0)
    memory = np.empty(first[2 * nodes])
    for node in range(nodes):
        begin(random, lasers[node], memory[first[node] : first[node + 1]])
    if linked:
        for node in range(nodes):
            begin(random, links[node], memory[first[nodes + node] : first[nodes + node + 1]])
    # No laser is late where there is dead time.
    dead = 0.0 if late.any() else lasers[0].duration[DEAD] / lasers[0].duration[INTERROGATION]
    corrections, beats, ends = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    for cycle in range(errors.shape[1]):
        measured, mean = 0.0, 0.0
        for node in range(nodes):
            held = memory[first[node] : first[node + 1]]
            phase = advance(random, lasers[node], INTERROGATION, held) - corrections[node]
            beat = 0.0
            if late[node]:
                duration = lasers[node].duration
                part = duration[DEAD] / (duration[INTERROGATION] + duration[DEAD])
                end = advance(random, lasers[node], DEAD, held)
                phase += end
                end -= part * corrections[node]
                # The light that arrives lacks the end of this interrogation and has that of the one before.
                beat = ends[node] - end if cycle > 0 else 0.0
                ends[node] = end
            measured += shares[node] * phase
            if dead > 0.0:
                # The lasers are compared in the dead time, too: it hides their centre of mass only.
                phase = (phase + advance(random, lasers[node], DEAD, held) - dead * corrections[node]) / (1.0 + dead)
            beat += phase
            if linked:
                held = memory[first[nodes + node] : first[nodes + node + 1]]
                beat += jitter[node] * normal(random)
                drift = advance(random, links[node], INTERROGATION, held)
                if dead > 0.0:
                    drift = (drift + advance(random, links[node], DEAD, held)) / (1.0 + dead)
                beat += drift
            mean += believed[node] * beat
            beats[node] = beat
            phases[node, cycle] = phase
        sample(random, cascade, measured, 0.0, counts)
        common = estimate(cascade, counts, 0.0)
        for node in range(nodes):
            phase = phases[node, cycle]
            sent = common + beats[node] - mean if each else common
            errors[node, cycle] = sent - phase
            corrections[node] += gain * sent
