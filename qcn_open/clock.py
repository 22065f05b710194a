r"""The clock in the time domain: interrogate, estimate, steer.

In every cycle a laser of detuning :math:`\delta` is interrogated for the time T, which gives an atom the phase
:math:`\Phi = \delta T`; the estimate :math:`\hat\phi` takes a part of itself off the laser,

.. math:: \Phi_k = \int_{\text{cycle }k}\!\delta\nu\,dt - c_k, \qquad c_{k+1} = c_k + g\hat\phi_k .

What a clock reports is not the steered laser but its *record*: the laser corrected afterwards by what was measured,
whose error is :math:`e_k = \hat\phi_k - \Phi_k`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from qcn_open.cascade import Cascade
from qcn_open.estimators import Bitwise
from qcn_open.network import Link, Network, Node
from qcn_open.oscillator import Oscillator
from qcn_open.preparation import Gates, Perfect, Preparation
from qcn_open.priors import FlatPrior
from qcn_open.states.base import freeze
from qcn_open.teleportation import Local, Teleported
from qcn_open.validation import count, nonnegative, open_interval, positive

if TYPE_CHECKING:
    import pandas as pd

    from qcn_open.kernels.cascade import CascadeTables

__all__ = ["SCHEMES", "Assembly", "NodeRecord", "Plan", "Record", "Tracking", "run_clock", "run_nodes", "run_scheme"]

SCHEMES = (
    "quantum-cooperative",
    "quantum-classical",
    "quantum-alone",
    "classical-cooperative",
    "classical-alone",
)


@dataclass(frozen=True)
class Assembly:
    r"""How the entangled blocks of a clock come about: by whose gates, and from entangled pairs at what rate.

    A block over all nodes takes one pair of every link. Pairs are made while the blocks before are interrogated and
    stored until the slowest link has them all; on average they wait half the time that they take.

    Parameters
    ----------
    nodes : tuple of Node
        Those that share the blocks; of one alone the link is not used.

    Examples
    --------
    >>> from qcn_open import Link, Node
    >>> assembly = Assembly((Node(100), Node(100, link=Link(epr_rate_hz=20.0))))
    >>> assembly.time(90), assembly.most(0.5)
    (4.5, 10)
    """

    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, clock: Network, scheme: str) -> Assembly | None:
        """That of one of the `clocks` of a scheme; none where nothing is entangled."""
        if scheme.startswith("classical"):
            return None
        if len(clock.nodes) > 1:
            return cls(clock.nodes)
        # Nothing else of a node matters to blocks of its own, so that equal clocks are equal.
        return cls((Node(clock.atoms, gates=clock.nodes[0].gates),))

    @property
    def smallest(self) -> int:
        """Atoms of the smallest block."""
        return sum(node.share for node in self.nodes) if len(self.nodes) > 1 else 1

    @property
    def sets(self) -> int:
        """How often every node has the atoms of its share, which is how often the smallest block fits in."""
        return min(node.atoms // node.share for node in self.nodes)

    @property
    def slowest(self) -> Node | None:
        """The node whose link has the lowest rate; None if no link limits it."""
        limited = [node for node in self.nodes[1:] if node.link.epr_rate_hz is not None]
        return min(limited, key=lambda node: node.link.epr_rate_hz or 0.0) if limited else None

    def time(self, blocks: int) -> float:
        """What the pairs of so many blocks take, s."""
        return blocks / (self.slowest.link.epr_rate_hz or math.inf) if self.slowest else 0.0

    def most(self, time: float) -> float:
        """Blocks for which there are pairs within a time (s)."""
        return math.floor(time * (self.slowest.link.epr_rate_hz or 0.0) * (1.0 + 1e-9)) if self.slowest else math.inf

    def preparation(self, blocks: int) -> Preparation:
        """Of so many blocks a cycle."""
        gates = tuple(node.gates for node in self.nodes)
        fidelities = tuple(node.link.epr_fidelity for node in self.nodes[1:])
        if set(gates) == {Gates()} and set(fidelities) <= {1.0}:
            return Perfect()
        if len(self.nodes) == 1:
            return Local(gates[0])
        return Teleported(gates, tuple(node.share for node in self.nodes), fidelities, 0.5 * self.time(blocks))


def _several(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, list | tuple | np.ndarray) else (values,)


def clocks(network: Network, scheme: str) -> list[Network]:
    """The clocks of a scheme, each as the network that its atoms see: all nodes, the first one, or every one.

    Raises
    ------
    TypeError
        If the network is none.
    ValueError
        If the scheme is unknown.

    Examples
    --------
    >>> from qcn_open import Node, Oscillator
    >>> network = Network((Node(100), Node(50)), Oscillator(white=2.0), (), 429e12)
    >>> [clock.atoms for clock in clocks(network, "quantum-classical")]
    [100, 50]
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {network!r}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if scheme.endswith("cooperative"):
        return [network.joint()]
    return [network.joint(number) for number in range(1 if scheme.endswith("alone") else len(network.nodes))]


@dataclass(frozen=True)
class Tracking:
    r"""Uncorrelated ensembles with nested Ramsey times, which count the windings of the phase of a longer one.

    Ensemble k is interrogated back to back for :math:`T_k = T/\prod_{l\ge k} r_l`. Its phase is estimated as that of
    uncorrelated atoms under the readout of the cascade, level by level, and unwrapped with the sum of the
    :math:`r_{k-1}` estimates of the ensemble before; the sum of the last ensemble's predicts the phase of the cascade.
    Where the cascade is read at angles fed forward, for which level by level is no estimator, ensembles are read at
    equally spaced ones.

    Parameters
    ----------
    atoms : tuple of int
        Atoms of each ensemble, from the shortest Ramsey time to the longest.
    ratios : tuple of int
        ratios[k] Ramsey times of ensemble k fit into one of the next; the last one into the interrogation time.

    Raises
    ------
    ValueError
        If a number is not a whole number >= 1, or there are not as many ratios as ensembles.

    Examples
    --------
    >>> Tracking(atoms=(40, 30), ratios=(5, 4)).steps
    20
    """

    atoms: tuple[int, ...] = ()
    ratios: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        atoms = tuple(count("Tracking atoms", number) for number in _several(self.atoms))
        ratios = tuple(count("Tracking ratios", number) for number in _several(self.ratios))
        if len(atoms) != len(ratios):
            raise ValueError(
                f"Tracking needs one ratio for every ensemble, got {len(atoms)} ensembles and {len(ratios)} ratios"
            )
        object.__setattr__(self, "atoms", atoms)
        object.__setattr__(self, "ratios", ratios)

    @property
    def steps(self) -> int:
        """How many of the shortest Ramsey times fit into the interrogation time."""
        return math.prod(self.ratios)

    @property
    def fractions(self) -> tuple[int, ...]:
        """By how much the Ramsey time of each ensemble is shorter than the interrogation time."""
        return tuple(math.prod(self.ratios[k:]) for k in range(len(self.ratios)))


@dataclass(frozen=True)
class Plan:
    r"""What a clock does in every cycle.

    Parameters
    ----------
    interrogation_time : float
        T, s.
    cascade : Cascade
        What is interrogated for T; uncorrelated atoms only for a classical clock. Its coherence and survival are those
        after T; atoms that are lost are loaded anew before the next interrogation.
    tracking : Tracking, optional
        Ensembles that count the windings. They decohere for their own Ramsey times.
    gain : float, optional
        Servo gain g of the integrator: the fraction of the estimated detuning that is taken off the laser, at the end
        of the cycle.
    dead_time : float, optional
        Time between two interrogations, s.

    Raises
    ------
    TypeError
        If the cascade or the tracking is of another type.
    ValueError
        If the interrogation time is not > 0, the gain not in (0, 2), where the loop is stable, or the dead time not
        >= 0.

    Examples
    --------
    >>> Plan(0.3, Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240)).atoms
    980
    """

    interrogation_time: float
    cascade: Cascade
    tracking: Tracking = Tracking()
    gain: float = 0.1
    dead_time: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.cascade, Cascade):
            raise TypeError(f"Plan cascade must be a Cascade, got {self.cascade!r}")
        if not isinstance(self.tracking, Tracking):
            raise TypeError(f"Plan tracking must be a Tracking, got {self.tracking!r}")
        time = positive("Plan interrogation_time", self.interrogation_time, "s")
        object.__setattr__(self, "interrogation_time", time)
        object.__setattr__(self, "gain", open_interval("Plan gain", self.gain, 0.0, 2.0))
        object.__setattr__(self, "dead_time", nonnegative("Plan dead_time", self.dead_time, "s"))

    @property
    def atoms(self) -> int:
        """Number of atoms, those that track windings included."""
        return self.cascade.atoms + sum(self.tracking.atoms)

    @property
    def cycle_time(self) -> float:
        """Time from one interrogation to the next, s."""
        return self.interrogation_time + self.dead_time

    def ensembles(self) -> tuple[Cascade, ...]:
        """The ensembles that track windings, after their own Ramsey times.

        Coherence and survival are powers of those of the cascade: every Markovian noise decays exponentially.
        """
        shares = 1.0 / np.cumprod(self.tracking.ratios[::-1])[::-1]
        return tuple(
            replace(
                self.cascade,
                copies=(),
                uncorrelated=atoms,
                readout=self.cascade.readout.fixed,
                estimator=Bitwise(),
                prior=FlatPrior(),
                coherence=self.cascade.coherence**share,
                survival=self.cascade.survival**share,
            )
            for atoms, share in zip(self.tracking.atoms, shares.tolist(), strict=True)
        )


@dataclass(frozen=True, eq=False)
class Record:
    r"""What simulated clocks have shown, one row a chain.

    Phases are those over one interrogation time at the mean detuning of a whole cycle, dead time included:
    :math:`T/(T + T_{dead})` of the phase of the cycle.

    Attributes
    ----------
    plan : Plan
        What every clock did.
    errors : ndarray, shape (chains, cycles)
        Of the record: estimated less true phase, rad.
    phases : ndarray, shape (chains, cycles)
        Of the steered laser, rad.
    slips : ndarray of int, shape (chains,)
        How often the fringe changed that an estimate was on, that is the whole turns in its error: a lasting hop counts
        once, an excursion twice, out and back.
    slipped_cycles : ndarray of int, shape (chains,)
        Cycles spent on a wrong fringe.
    rounding_errors : ndarray of int, shape (chains, levels)
        Cycles whose error, up to whole turns, exceeded half the period of each level of the cascade: the levels below
        had it unwrapped wrongly.
    """

    plan: Plan
    errors: NDArray[np.float64]
    phases: NDArray[np.float64]
    slips: NDArray[np.int64]
    slipped_cycles: NDArray[np.int64]
    rounding_errors: NDArray[np.int64]

    def __post_init__(self) -> None:
        freeze(self.errors, self.phases, self.slips, self.slipped_cycles, self.rounding_errors)

    def stability(
        self, frequency_hz: float, taus: Sequence[float] | None = None, *, steered: bool = False
    ) -> pd.DataFrame:
        r"""Overlapping Allan deviation of the record, or of the steered laser, over all chains.

        Parameters
        ----------
        frequency_hz : float
            Of the clock transition, Hz.
        taus : sequence of float, optional
            Averaging times, s, increasing multiples of the cycle time; octaves up to a quarter of the cycles if left
            out.
        steered : bool, optional
            Whether the laser itself is meant. Under white noise its deviation exceeds that of the record, at averaging
            times well above T/g, by the second term of

            .. math:: \omega_0^2\sigma_y^2 = \frac{\langle e^2\rangle}{T\tau}
                      + \frac{3(\gamma_{LO}T - (1-g)\langle e^2\rangle)}{g(2-g)\tau^2} .

        Returns
        -------
        DataFrame
            tau_s, sigma_y, and the 95 % interval sigma_y_low, sigma_y_high.
        """
        phases = self.phases if steered else self.errors
        # A gap keeps the chains apart.
        joined = np.hstack([phases, np.full((len(phases), 1), np.nan)]).ravel()[:-1]
        detuning = joined / self.plan.interrogation_time
        return deviations(detuning, phases.shape[1], self.plan.cycle_time, frequency_hz, taus)

    def fractional_frequency(self, frequency_hz: float) -> NDArray[np.float64]:
        """Mean fractional frequency of the record in every cycle, less the true one, shape (chains, cycles).

        A row at the rate ``1/plan.cycle_time`` is what `overlapping_adev` takes, and
        `qcn_open.interchange.write_phase`.
        """
        omega = 2.0 * math.pi * positive("frequency_hz", frequency_hz, "Hz")
        return self.errors / (self.plan.interrogation_time * omega)

    def error_over_cycles(self) -> tuple[float, float]:
        r"""RMS error (rad) a cycle of the record, averaged over many cycles, and its relative standard error.

        The loop brings the estimates :math:`\hat\varphi = W\varphi + n` to zero, so that over many cycles the record is
        that of :math:`\hat\varphi/W - \varphi = n/W`, which is white. W is found from the record; whole turns are taken
        out. What `qcn_open.bayes.error_over_cycles` expects.

        Examples
        --------
        >>> plan = Plan(0.1, Cascade(uncorrelated=100), gain=0.5)
        >>> record = run_clock(plan, Oscillator.from_linewidth(white=1.0), 20000, np.random.default_rng(1))
        >>> round(record.error_over_cycles()[0], 1)  # 1/sqrt(100)
        0.1
        """
        errors, phases = self.errors.ravel(), self.phases.ravel()
        estimates = phases + errors
        within = estimates - np.angle(np.exp(1j * errors))
        known = float(estimates @ within / (within @ within))
        squares = (estimates / known - within) ** 2
        square = float(squares.mean())
        found = 0.5 * float(squares.std()) / square, math.sqrt(square / float((within**2).mean()))
        return math.sqrt(square), math.hypot(*found) / math.sqrt(len(squares))


@dataclass(frozen=True, eq=False)
class NodeRecord:
    r"""What the steered lasers of the nodes of one cooperative clock have shown, one row a node.

    Attributes
    ----------
    plan : Plan
        What the clock did.
    shares : ndarray, shape (nodes,)
        Atoms of each node over those of all, :math:`w_j`: the cascade measures the phase :math:`\sum_jw_j\Phi_j`.
    errors : ndarray, shape (nodes, cycles)
        Phase that the centre sent to each node less that of its laser, rad.
    phases : ndarray, shape (nodes, cycles)
        Of the steered lasers, rad.
    """

    plan: Plan
    shares: NDArray[np.float64]
    errors: NDArray[np.float64]
    phases: NDArray[np.float64]

    def __post_init__(self) -> None:
        freeze(self.shares, self.errors, self.phases)


def run_clock(
    plan: Plan,
    oscillator: Oscillator,
    cycles: int,
    rng: np.random.Generator,
    *,
    chains: int = 1,
    threads: int = 1,
) -> Record:
    """Simulate clocks that all follow one plan.

    Parameters
    ----------
    plan : Plan
        What they do.
    oscillator : Oscillator
        Noise of their lasers.
    cycles : int
        Cycles of each.
    rng : numpy.random.Generator
        Source of randomness; every chain gets a generator spawned from it.
    chains : int, optional
        How many clocks, independent of one another.
    threads : int, optional
        How many are simulated at a time; the result is the same.

    Raises
    ------
    TypeError
        If the plan or the oscillator is of another type.
    ValueError
        If a number is not a whole number >= 1.

    Examples
    --------
    >>> import numpy as np
    >>> plan = Plan(0.1, Cascade(uncorrelated=100), gain=0.5)
    >>> record = run_clock(plan, Oscillator.from_linewidth(white=1.0), 20000, np.random.default_rng(1))
    >>> round(float(record.phases.var()), 2)  # (2 gamma T + g/N)/(2 - g)
    0.14
    """
    _check(plan, oscillator)
    cycles, chains = count("cycles", cycles), count("chains", chains)
    from qcn_open.kernels.clock import run
    from qcn_open.kernels.random import state_from

    cascade = plan.cascade.tables()
    # Without ensembles those of the cascade, which nothing reads.
    ensembles, atoms = _as_levels([ensemble.tables() for ensemble in plan.ensembles()] or [cascade])
    ratios = np.array(plan.tracking.ratios, dtype=np.int64)
    laser = oscillator.tables(plan.interrogation_time / plan.tracking.steps, plan.dead_time)
    channels = max(len(atoms), len(cascade.channels))
    errors, phases = np.empty((2, chains, cycles))
    wrong = np.zeros((chains, len(cascade.levels)), dtype=np.int64)
    states = [state_from(child) for child in rng.spawn(chains)]

    def chain(number: int) -> tuple[int, int]:
        counts = np.zeros((channels, 2), dtype=np.int64)
        outputs = errors[number], phases[number], wrong[number]
        slips: tuple[int, int] = run(
            states[number], laser, ensembles, atoms, ratios, cascade, plan.gain, counts, *outputs
        )
        return slips

    with ThreadPoolExecutor(count("threads", threads)) as pool:
        slips, slipped = np.array(list(pool.map(chain, range(chains))), dtype=np.int64).T.copy()
    return Record(plan, errors, phases, slips, slipped, wrong)


def run_nodes(
    plan: Plan,
    oscillators: Sequence[Oscillator],
    atoms: Sequence[int],
    cycles: int,
    rng: np.random.Generator,
    *,
    weights: Sequence[float] | None = None,
    feedback: Literal["each", "common"] = "each",
    links: Sequence[Link] | None = None,
) -> NodeRecord:
    r"""Simulate one cooperative clock of nodes that have lasers of their own.

    Blocks that hold :math:`n_j` atoms of node j measure the phase of the weighted centre of mass
    :math:`\nu_{COM} = \sum_jn_j\nu_j/\sum_jn_j`. The centre compares the lasers, and sends node j
    :math:`\delta_j = \delta_{COM} + (\nu_j - \nu_{COM})`, or, where nodes are not to learn that much,
    :math:`\delta_{COM}` only: then the lasers drift apart and only their centre of mass is a clock.

    Parameters
    ----------
    plan : Plan
        What the clock does, without ensembles that track windings.
    oscillators : sequence of Oscillator
        Noise of the nodes' lasers, which is independent.
    atoms : sequence of int
        Atoms :math:`n_j` of each node in a block, up to a common factor.
    cycles : int
        Number of cycles.
    rng : numpy.random.Generator
        Source of randomness.
    weights : sequence of float, optional
        Those with which the centre takes the mean :math:`\nu_{COM}` of the lasers; `atoms`, the right ones, if left
        out. With others :math:`w'_j` every node keeps the error :math:`\sum_j(w_j - w'_j)\Phi_j`.
    feedback : {"each", "common"}, optional
        What the centre sends.
    links : sequence of Link, optional
        What brings the light of each node to the centre, the first node, whose link is not used. By the delay the light
        comes later than that which it is compared with; a node that begins its interrogations earlier by that much has
        a link without delay. Corrections come in time for the next interrogation. What links add to the errors is in
        `Network.link_variances` and `Network.delay_variances`.

    Raises
    ------
    TypeError
        If the plan, an oscillator or a link is of another type.
    ValueError
        If the plan has ensembles that track windings, the numbers of lasers, nodes, weights and links differ, a delay
        exceeds the interrogation time or meets dead time, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> plan = Plan(0.1, Cascade(uncorrelated=1000))
    >>> lasers = [Oscillator.from_linewidth(white=1.0)] * 2
    >>> record = run_nodes(plan, lasers, (3, 1), 10000, np.random.default_rng(1), weights=(1, 1))
    >>> bool(record.errors.var() > 10 * run_nodes(plan, lasers, (3, 1), 10000, np.random.default_rng(1)).errors.var())
    True
    """
    oscillators, atoms = tuple(oscillators), tuple(count("atoms of a node", number) for number in atoms)
    for oscillator in oscillators:
        _check(plan, oscillator)
    if plan.tracking.atoms:
        raise ValueError("run_nodes tracks no windings, got a plan with ensembles that do: use run_clock")
    given = atoms if weights is None else tuple(positive("weight of a node", weight) for weight in weights)
    if not len(oscillators) == len(atoms) == len(given) > 0:
        raise ValueError(
            "every node needs one oscillator, one number of atoms and one weight, "
            f"got {len(oscillators)}, {len(atoms)} and {len(given)}"
        )
    if feedback not in ("each", "common"):
        raise ValueError(f"feedback must be 'each' or 'common', got {feedback!r}")
    paths = (Link(),) * len(atoms) if links is None else (Link(), *tuple(links)[1:])
    if len(paths) != len(atoms):
        raise ValueError(f"every node needs one link, got {len(paths)} links for {len(atoms)} nodes")
    time = plan.interrogation_time
    for path in paths:
        if not isinstance(path, Link):
            raise TypeError(f"links must be Links such as Link(phase_noise=0.1), got {path!r}")
        if path.delay > 0.0 and not path.delay < time:
            raise ValueError(f"a delay must be shorter than the interrogation time {time:g} s, got {path.delay:g} s")
        if path.delay > 0.0 and plan.dead_time > 0.0:
            raise ValueError("run_nodes knows delays of back-to-back interrogations only, got a plan with dead time")
    from qcn_open.kernels import clock as kernel
    from qcn_open.kernels.random import state_from

    tables = plan.cascade.tables()
    shares, believed = (np.array(values, dtype=float) / sum(values) for values in (atoms, given))
    errors, phases = np.empty((2, len(atoms), count("cycles", cycles)))
    kernel.run_nodes(
        state_from(rng),
        tuple(
            oscillator.tables(time - path.delay, path.delay or plan.dead_time)
            for oscillator, path in zip(oscillators, paths, strict=True)
        ),
        tuple(path.oscillator.tables(time, plan.dead_time) for path in paths),
        tables,
        shares,
        believed,
        np.array([] if links is None else [path.phase_noise for path in paths]),
        np.array([path.delay > 0.0 for path in paths]),
        feedback == "each",
        plan.gain,
        np.zeros((len(tables.channels), 2), dtype=np.int64),
        errors,
        phases,
    )
    return NodeRecord(plan, shares, errors, phases)


def run_scheme(
    network: Network,
    scheme: str,
    plan: Plan | Sequence[Plan],
    cycles: int,
    rng: np.random.Generator,
    *,
    averages: Sequence[int] | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Stability of a network of clocks that follow given plans, from a simulation in the time domain.

    Parameters
    ----------
    network : Network
        Nodes, noise and lasers.
    scheme : str
        `quantum-cooperative` or `classical-cooperative`: one clock of the atoms of all nodes. `quantum-alone` or
        `classical-alone`: one node, the first. `quantum-classical`: every node a clock, their records averaged with
        weights inverse to the variances.
    plan : Plan or sequence of Plan
        What a clock does in every cycle; for `quantum-classical` one for all nodes or one for each, of equal cycle
        times.
    cycles : int
        Number of cycles.
    rng : numpy.random.Generator
        Source of randomness.
    averages : sequence of int, optional
        Averaging times in cycles, increasing; octaves up to a quarter of the record if left out.
    threads : int, optional
        How many clocks are simulated at a time; the result is the same.

    Returns
    -------
    DataFrame
        tau_s, sigma_y, sigma_y_low, sigma_y_high (95 %), and slips, how often the fringe changed that an estimate was
        on in the whole simulation.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the scheme is unknown, a plan asks for more atoms, more entangled pairs or another number of nodes than there
        are, for less dead time, or for other coherence or preparation than the network leaves.
    """
    single = clocks(network, scheme)
    plans = (plan,) if isinstance(plan, Plan) else tuple(plan)
    if len(plans) == 1:
        plans *= len(single)
    if len(plans) != len(single):
        raise ValueError(f"{scheme} needs one plan, or one for each of {len(single)} clocks, got {len(plans)}")
    for one, clock in zip(plans, single, strict=True):
        _check(one, clock.oscillator)
        _check_scheme(one, clock, scheme)
    if any(not math.isclose(one.cycle_time, plans[0].cycle_time, rel_tol=1e-9) for one in plans):
        raise ValueError(
            "clocks whose records are averaged need equal cycle times, "
            f"got {', '.join(f'{one.cycle_time:g}' for one in plans)} s"
        )
    children = rng.spawn(len(plans))
    with ThreadPoolExecutor(count("threads", threads)) as pool:
        records = list(
            pool.map(lambda one, clock, child: run_clock(one, clock.oscillator, cycles, child), plans, single, children)
        )
    reference = single[0].frequency_hz
    rates = np.array(
        [
            record.errors[0] / record.plan.interrogation_time * (reference / clock.frequency_hz)
            for record, clock in zip(records, single, strict=True)
        ]
    )
    # From one cycle to the next: a lasting hop to a wrong fringe must not decide the weights.
    weights = 1.0 / np.mean(np.diff(rates, axis=1) ** 2, axis=1) if len(rates) > 1 else np.ones(1)
    taus = None if averages is None else [plans[0].cycle_time * number for number in averages]
    table = deviations((weights / weights.sum()) @ rates, cycles, plans[0].cycle_time, reference, taus)
    return table.assign(slips=sum(int(record.slips.sum()) for record in records))


def _check(plan: Plan, oscillator: Oscillator) -> None:
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, got {plan!r}")
    if not isinstance(oscillator, Oscillator):
        raise TypeError(f"oscillator must be an Oscillator, got {oscillator!r}")


def _as_levels(ensembles: Sequence[CascadeTables]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Levels and channels of tables of one level each, as those of one."""
    channels = [tables.channels for tables in ensembles]
    levels = np.concatenate([tables.levels for tables in ensembles])
    levels["stop"] = np.cumsum(levels["stop"])
    levels["first"][1:] = levels["stop"][:-1]
    return levels, np.concatenate(channels)


def _check_scheme(plan: Plan, network: Network, scheme: str) -> None:
    assembly = Assembly.of(network, scheme)
    if plan.atoms > network.atoms:
        raise ValueError(
            f"the plan asks for {plan.atoms} atoms, but there are {network.atoms} for {scheme}: take fewer"
        )
    if plan.dead_time < network.dead_time:
        raise ValueError(
            f"the plan has a dead time of {plan.dead_time:g} s, the network of {network.dead_time:g} s: "
            "take at least that"
        )
    if plan.cascade.copies:
        if assembly is None:
            raise ValueError(f"{scheme} has uncorrelated atoms only, got blocks {plan.cascade.copies}")
        _check_assembly(plan, assembly, scheme)
    left = plan.cascade.decohered(network.noise, plan.interrogation_time)
    for name in ("coherence", "survival"):
        planned, remaining = getattr(plan.cascade, name), getattr(left, name)
        if not math.isclose(planned, remaining, rel_tol=1e-6):
            raise ValueError(
                f"the plan's cascade has {name} {planned:.8g}, but the network's noise leaves {remaining:.8g} after "
                f"{plan.interrogation_time:g} s: use cascade.decohered(network.noise, time)"
            )


def _check_assembly(plan: Plan, assembly: Assembly, scheme: str) -> None:
    cascade = plan.cascade
    if cascade.nodes != assembly.smallest:
        raise ValueError(f"{scheme} needs a cascade over {assembly.smallest} nodes, got nodes={cascade.nodes}")
    blocks = sum(cascade.copies)
    sets = sum(copies << level for level, copies in enumerate(cascade.copies))
    if cascade.nodes > 1 and sets > assembly.sets:
        node = min(assembly.nodes, key=lambda node: node.atoms // node.share)
        raise ValueError(
            f"the plan's blocks take {sets * node.share} atoms of node {node.name!r}, which has {node.atoms}: "
            "take fewer"
        )
    if blocks > assembly.most(plan.cycle_time):
        raise ValueError(
            f"{blocks} blocks over all nodes take {assembly.time(blocks):g} s at the epr_rate_hz of "
            f"{_rate(assembly.slowest)}, but a cycle takes {plan.cycle_time:g} s: take fewer blocks or a longer "
            "dead time"
        )
    made = assembly.preparation(blocks)
    for size in (cascade.nodes << level for level, copies in enumerate(cascade.copies) if copies):
        planned, left = cascade.preparation.contrast(size), made.contrast(size)
        if not math.isclose(planned, left, rel_tol=1e-6):
            raise ValueError(
                f"the plan's preparation gives {size} atoms the contrast {planned:.8g}, but the network's gates and "
                f"links leave {left:.8g}: use preparation={made!r}"
            )


def _rate(node: Node | None) -> str:
    """Rate and name of a node, for messages."""
    assert node is not None
    return f"{node.link.epr_rate_hz:g} Hz of node {node.name!r}"


def deviations(
    detuning: NDArray[np.float64],
    cycles: int,
    cycle_time: float,
    frequency_hz: float,
    taus: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Of detunings (rad/s) cycle by cycle; unless told otherwise at octaves up to a quarter of so many cycles."""
    from qcn_open.allan import overlapping_adev

    if taus is None:
        taus = [cycle_time * 2**octave for octave in range(max(1, (cycles // 4).bit_length()))]
    y = detuning / (2.0 * math.pi * positive("frequency_hz", frequency_hz, "Hz"))
    return overlapping_adev(y, 1.0 / cycle_time, taus)[["tau_s", "sigma_y", "sigma_y_low", "sigma_y_high"]]
