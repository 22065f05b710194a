r"""A network of clocks: its nodes, what decoheres their atoms, their lasers and what links them.

*Unequal nodes.* A block of n atoms holds :math:`w_jn` of node j, its share :math:`w_j = s_j/\sum_ks_k`. While the
laser of node j gives each of its atoms the phase :math:`\Phi_j`, the block shows

.. math:: n\Phi = n\sum_jw_j\Phi_j = nT\sum_jw_j\,\omega_j\,(y_j - y_0)

so that what the network measures is the centre of mass of the lasers with the weights :math:`w_j`. Where nodes have
other species, the mean of the *fractional* frequencies :math:`y_j` has the weights
:math:`w_j\omega_j/\sum_kw_k\omega_k`, and the block is as fast as one of the frequency :math:`\sum_jw_j\omega_j`. The
coherence of a block is the product of that of its atoms, hence its contrast :math:`\bigl(\prod_jc_j^{w_j}\bigr)^n`: the
rates at which atoms decohere count with their mean under the same weights.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from qcn_open.model import noises
from qcn_open.noise import (
    CollectiveNoise,
    Dephasing,
    Depolarizing,
    Noise,
    Pumping,
    RateNoise,
    SpontaneousEmission,
    TrapLoss,
    one_site,
)
from qcn_open.oscillator import Oscillator, centre_of_mass
from qcn_open.preparation import Gates
from qcn_open.species import known_species, transition
from qcn_open.toml_lines import line_of
from qcn_open.validation import closed_interval, count, nonnegative, positive

__all__ = ["Link", "Network", "Node"]


@dataclass(frozen=True)
class Link:
    r"""What connects a node to the centre: photons that entangle, light that compares lasers, messages.

    Parameters
    ----------
    epr_rate_hz : float, optional
        Entangled pairs a second that are heralded and stored; None is as many as are asked for.
    epr_fidelity : float, optional
        Fidelity of a pair with :math:`(|00\rangle+|11\rangle)/\sqrt2`, which is a Werner state, from 1/4 to 1.
    delay : float, optional
        Time that light takes from the node to the centre, s.
    phase_noise : float, optional
        Root mean square phase (rad), independent from one interrogation to the next, that the link adds to the
        comparison of the node's laser with that of the centre.
    oscillator : Oscillator, optional
        Frequency noise that it adds to that comparison.

    Raises
    ------
    TypeError
        If the oscillator is none.
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> Link(epr_rate_hz=20.0, epr_fidelity=0.98, delay=1e-3).epr_rate_hz
    20.0
    """

    epr_rate_hz: float | None = None
    epr_fidelity: float = 1.0
    delay: float = 0.0
    phase_noise: float = 0.0
    oscillator: Oscillator = Oscillator()

    def __post_init__(self) -> None:
        if self.epr_rate_hz is not None:
            object.__setattr__(self, "epr_rate_hz", positive("Link epr_rate_hz", self.epr_rate_hz, "Hz"))
        fidelity = closed_interval("Link epr_fidelity", self.epr_fidelity, 0.25, 1.0)
        object.__setattr__(self, "epr_fidelity", fidelity)
        object.__setattr__(self, "delay", nonnegative("Link delay", self.delay, "s"))
        object.__setattr__(self, "phase_noise", nonnegative("Link phase_noise", self.phase_noise, "rad"))
        if not isinstance(self.oscillator, Oscillator):
            raise TypeError(f"Link oscillator must be an Oscillator, got {self.oscillator!r}")


def _check_name(whose: str, name: str) -> None:
    """Refuse what is no text, and what a terminal or a page would not show as text but obey."""
    if not isinstance(name, str):
        raise TypeError(f"{whose} name must be text, got {name!r}")
    if any(category(character) in ("Cc", "Zl", "Zp") for character in name):
        raise ValueError(f"{whose} name must be one line without control characters, got {name!r}")


@dataclass(frozen=True)
class Node:
    """One clock of the network.

    Parameters
    ----------
    atoms : int
        Number of atoms.
    name : str, optional
        Name, for messages.
    share : int, optional
        Atoms that it gives to the smallest block that reaches over all nodes.
    oscillator : Oscillator, optional
        Noise of its own laser; None is that of the network.
    noise : RateNoise, or an iterable of them, optional
        What decoheres its atoms in addition to the noise of the network: `Dephasing`, `TrapLoss` and others that have a
        rate, of which blocks over several nodes see the mean.
    frequency_hz : float, optional
        Frequency of its own clock transition, Hz; None is that of the network.
    dead_time : float, optional
        Time that it needs between two interrogations, s.
    gates : Gates, optional
        What goes wrong there when GHZ states are made.
    link : Link, optional
        What connects it to the centre.

    Raises
    ------
    ValueError
        If a number is out of range, or there are fewer atoms than its share of a block.
    TypeError
        If something is of another type.

    Examples
    --------
    >>> Node(100, name="Boulder").atoms
    100
    """

    atoms: int
    name: str = ""
    share: int = 1
    oscillator: Oscillator | None = None
    noise: tuple[RateNoise, ...] = ()
    frequency_hz: float | None = None
    dead_time: float = 0.0
    gates: Gates = Gates()
    link: Link = Link()

    def __post_init__(self) -> None:
        _check_name("Node", self.name)
        label = f"Node {self.name!r}" if self.name else "Node"
        object.__setattr__(self, "atoms", count(f"{label} atoms", self.atoms))
        object.__setattr__(self, "share", count(f"{label} share", self.share))
        if self.share > self.atoms:
            raise ValueError(
                f"{label} has {self.atoms} atoms, fewer than its share of {self.share} in the smallest block"
            )
        object.__setattr__(self, "noise", noises(self.noise))
        for noise in self.noise:
            if not isinstance(noise, RateNoise):
                raise TypeError(f"{label} noise must have a rate, such as Dephasing(1e-3), got {noise!r}")
        object.__setattr__(self, "dead_time", nonnegative(f"{label} dead_time", self.dead_time, "s"))
        if self.frequency_hz is not None:
            frequency = positive(f"{label} frequency_hz", self.frequency_hz, "Hz")
            object.__setattr__(self, "frequency_hz", frequency)
        for part, kind in (("gates", Gates), ("link", Link)):
            if not isinstance(getattr(self, part), kind):
                raise TypeError(f"{label} {part} must be a {kind.__name__}, got {getattr(self, part)!r}")
        if self.oscillator is not None and not isinstance(self.oscillator, Oscillator):
            raise TypeError(f"{label} oscillator must be an Oscillator, got {self.oscillator!r}")


@dataclass(frozen=True)
class Network:
    r"""Clocks that may cooperate.

    Parameters
    ----------
    nodes : Node, or an iterable of them
        The clocks.
    oscillator : Oscillator or None
        Noise of the laser that is interrogated: the centre of mass of the nodes' lasers, or, of a node alone, its own;
        the paper takes the same linewidth for both. None is the centre of mass of the lasers that all nodes have.
    noise : Noise, or an iterable of them
        What decoheres every atom. Noises of equal kind add.
    frequency_hz : float
        Frequency of the clock transition, Hz.
    dead_time : float, optional
        Time between two interrogations, s.
    name : str, optional
        Name, for titles.

    Raises
    ------
    TypeError
        If a node, the oscillator or a noise is of another type, or a noise is common to all atoms.
    ValueError
        If there is no node, two have one name, neither the network nor all of its nodes have a laser, the frequency is
        not > 0, or the dead time not >= 0.

    Examples
    --------
    >>> from qcn_open import Dephasing, Oscillator
    >>> network = Network((Node(100),) * 10, Oscillator(white=2.0), (Dephasing(1e-4),), 429e12)
    >>> network.atoms, len(network.nodes)
    (1000, 10)
    """

    nodes: tuple[Node, ...]
    oscillator: Oscillator
    noise: tuple[Noise, ...]
    frequency_hz: float
    dead_time: float = 0.0
    name: str = ""

    def __init__(
        self,
        nodes: Node | Iterable[Node],
        oscillator: Oscillator | None,
        noise: Noise | Iterable[Noise],
        frequency_hz: float,
        dead_time: float = 0.0,
        name: str = "",
    ) -> None:
        members = (nodes,) if isinstance(nodes, Node) else tuple(nodes)
        for node in members:
            if not isinstance(node, Node):
                raise TypeError(f"Network nodes must be Nodes such as Node(100), got {node!r}")
        if not members:
            raise ValueError("Network nodes must hold at least one Node, got none")
        names = [node.name for node in members if node.name]
        for one in names:
            if names.count(one) > 1:
                raise ValueError(f"Network nodes must have different names, got {one!r} {names.count(one)} times")
        if oscillator is None:
            oscillator = _centre(members, "Network oscillator must be given")
        if not isinstance(oscillator, Oscillator):
            raise TypeError(f"Network oscillator must be an Oscillator, got {oscillator!r}")
        common = noises(noise)
        for part in common:
            if isinstance(part, CollectiveNoise):
                raise TypeError(f"Network noise must hit every atom alone, got {part!r}: the laser is the oscillator")
        _check_name("Network", name)
        object.__setattr__(self, "nodes", members)
        object.__setattr__(self, "oscillator", oscillator)
        object.__setattr__(self, "noise", common)
        object.__setattr__(self, "frequency_hz", positive("Network frequency_hz", frequency_hz, "Hz"))
        object.__setattr__(self, "dead_time", nonnegative("Network dead_time", dead_time, "s"))
        object.__setattr__(self, "name", name)

    @classmethod
    def from_toml(cls, path: str | Path) -> Network:
        r"""Read a network from a TOML file.

        Parameters
        ----------
        path : str or Path
            The file. Its keys state their units:

            =====================  ==============================================================================
            table                  keys
            =====================  ==============================================================================
            top                    ``name``, ``dead_time_s``
            ``[transition]``       ``species``, a name in ``data/species.csv``, or ``frequency_hz``
            ``[noise]``            ``dephasing_rate_per_s``, ``loss_rate_per_s``, ``spontaneous_emission_rate_per_s``,
                                   ``pumping_rate_per_s``, ``depolarizing_rate_per_s``
            ``[laser]``            ``white_linewidth_rad_per_s``, ``flicker_linewidth_rad_per_s``,
                                   ``random_walk_linewidth_rad_per_s``, each also as ``..._hz``, or ``flicker_floor``,
                                   the fractional Allan deviation
            ``[[node]]``           ``name``, ``atoms``, ``share``, ``dead_time_s``, and tables of its own:
            ``[node.laser]``       as above: its own laser
            ``[node.noise]``       as above, in addition to the noise of the network
            ``[node.transition]``  as above: its own species
            ``[node.gates]``       ``entangling_fidelity``, ``phase_flip_probability``, ``depolarizing_probability``,
                                   ``dephasing_probability``, ``loss_probability``, ``measurement_error_probability``,
                                   ``memory_dephasing_rate_per_s``
            ``[node.link]``        ``epr_rate_hz``, ``epr_fidelity``, ``delay_s``, ``phase_noise_rad``
            ``[node.link.noise]``  as ``[laser]``, the frequency noise that the link adds
            =====================  ==============================================================================

            Either every node states its laser, or none does and ``[laser]`` is that of the centre of mass.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the file is missing or no TOML, or a key is unknown, states no unit, is missing, or has a value that the
            network cannot have, in one sentence with the file, the line and the key.

        Examples
        --------
        >>> Network.from_toml("nowhere.toml")
        Traceback (most recent call last):
        ValueError: no network file at nowhere.toml
        """
        return _read(Path(path))

    def to_toml(self) -> str:
        """Return the network as the text of a file that `from_toml` reads.

        Linewidths come back to rounding, all else exactly. A noise that no key states stands as a comment.

        Examples
        --------
        >>> print(Network(Node(9), Oscillator(white=2.0), (), 1e14).to_toml())
        [transition]
        frequency_hz = 100000000000000.0  # 100.0000 THz
        <BLANKLINE>
        [laser]
        white_linewidth_rad_per_s = 1.0
        <BLANKLINE>
        [[node]]
        atoms = 9
        share = 1
        """
        return "\n".join(_written(self)).strip()

    @property
    def atoms(self) -> int:
        """Number of atoms in all nodes."""
        return sum(node.atoms for node in self.nodes)

    @property
    def smallest_block(self) -> int:
        """Atoms of the smallest block over all nodes, the sum of their shares; the next have 2, 4, 8, ... times it."""
        return sum(node.share for node in self.nodes)

    @property
    def shares(self) -> NDArray[np.float64]:
        r""":math:`w_j`, part of each node in a block, shape (nodes,): weights of the lasers' phases."""
        return np.array([node.share for node in self.nodes]) / self.smallest_block

    @property
    def weights(self) -> NDArray[np.float64]:
        r""":math:`w_j\omega_j/\sum_kw_k\omega_k`, shape (nodes,): weights of the lasers' *fractional* frequencies."""
        weights = self.shares * [node.frequency_hz or self.frequency_hz for node in self.nodes]
        return np.asarray(weights / weights.sum())

    def joint(self, *members: int) -> Network:
        r"""The network of some of the nodes as their common blocks see it: with equal lasers, noise and transitions.

        Its laser is the centre of mass of theirs where they have their own, its noise the mean of theirs, its frequency
        the mean of theirs, all with the weights `shares`, and its dead time that of the slowest. A cascade over the
        nodes, of which `smallest_block` is the smallest block, is left with
        ``cascade.decohered(network.joint().noise, time)``.

        Parameters
        ----------
        *members : int
            Positions of the nodes in `nodes`; all of them if left out, and one position for a node alone.

        Returns
        -------
        Network
            Its nodes keep names, atoms, shares, gates and links.

        Raises
        ------
        ValueError
            If there is no node at a position, or it is named twice.

        Notes
        -----
        Exact for blocks, save under the readout of lost atoms that leaves them dark. Uncorrelated atoms of the nodes
        have other mean contrasts, which differ in the second order of what the nodes differ in.

        Examples
        --------
        >>> from qcn_open import Dephasing, Oscillator
        >>> nodes = (Node(30, share=3, noise=Dephasing(0.4)), Node(10, frequency_hz=1e14))
        >>> Network(nodes, Oscillator(white=2.0), Dephasing(0.1), 5e14).joint().noise
        (Dephasing(rate=0.4),)
        """
        chosen = members or tuple(range(len(self.nodes)))
        if len(set(chosen)) < len(chosen) or not all(0 <= member < len(self.nodes) for member in chosen):
            raise ValueError(f"members must be different positions below {len(self.nodes)}, got {chosen}")
        nodes = [self.nodes[member] for member in chosen]
        laser = self.oscillator
        if any(node.oscillator for node in nodes):
            laser = _centre([replace(node, oscillator=node.oscillator or laser) for node in nodes])
        total = sum(node.share for node in nodes)
        own = [replace(part, rate=part.rate * (node.share / total)) for node in nodes for part in node.noise]
        frequency = self.frequency_hz
        if any(node.frequency_hz for node in nodes):
            frequency = math.fsum(node.share * (node.frequency_hz or frequency) for node in nodes) / total
        return Network(
            [replace(node, oscillator=None, noise=(), frequency_hz=None, dead_time=0.0) for node in nodes],
            laser,
            [*self.noise, *own],
            frequency,
            max([self.dead_time, *(node.dead_time for node in nodes)]),
            self.name,
        )

    def link_variances(self, interrogation_time: float) -> NDArray[np.float64]:
        r"""Variance of what the links add to the phase that the centre sends to each node, rad^2, shape (nodes,).

        The centre beats the light of node j with its own and so knows :math:`\Phi_j - \Phi_1 + \epsilon_j`. It sends
        :math:`\delta_{COM} + (\nu_j - \nu_{COM})` with the error

        .. math:: \epsilon_j - r_j\sum_kw_k\epsilon_k, \qquad
                  V_j = (1-r_jw_j)^2s_j + r_j^2\sum_{k\ne j}w_k^2s_k, \qquad s_j = \theta_j^2 + \tfrac12s_0T

        with :math:`\theta_j` the phase noise of the link, :math:`s_0` its white frequency noise and
        :math:`r_j = \omega_j/\sum_kw_k\omega_k`. For equal species the mean of the errors with the weights
        :math:`w_j` is zero: links do not disturb the centre of mass. Delays add nothing where
        each node begins its interrogations earlier by its own; else `delay_variances`.

        Parameters
        ----------
        interrogation_time : float
            T, s.

        Raises
        ------
        ValueError
            If T is not > 0, or a link adds flicker or random-walk noise, of which no variance exists.

        Notes
        -----
        Kómár et al., Nature Phys. 10, 582 (2014), feedback :math:`\delta_j = \delta_{COM} + (\nu_j - \nu_{COM})`.

        Examples
        --------
        >>> nodes = (Node(10), Node(10, link=Link(phase_noise=0.2)))
        >>> Network(nodes, Oscillator(white=2.0), (), 429e12).link_variances(1.0).round(3)
        array([0.01, 0.01])
        """
        time = positive("interrogation_time", interrogation_time, "s")
        for node in self.nodes[1:]:
            if node.link.oscillator.flicker > 0.0 or node.link.oscillator.random_walk > 0.0:
                raise ValueError(f"the phase of {node.link.oscillator!r} has no variance: give links white noise only")
        return self._sent([node.link.phase_noise**2 + 0.5 * node.link.oscillator.white * time for node in self.nodes])

    def delay_variances(self, interrogation_time: float) -> NDArray[np.float64]:
        r"""Variance that delays add to the phases sent where all nodes begin together, rad^2, shape (nodes,).

        The light that is compared at the centre then lacks the last :math:`d_j` of an interrogation and has the end of
        what came before it instead. As in `link_variances`, with

        .. math:: s_j = d_j^2\bigl\langle(\bar\omega_{d_j}(T) - \bar\omega_{d_j}(0))^2\bigr\rangle,

        of the mean frequency of the laser over :math:`d_j`, which is :math:`2\gamma_{LO}d_j` for white noise. In the
        loop steps of the servo, of gain g, add parts of the order :math:`gd_j/T`. Back to back these errors are
        differences of one phase from cycle to cycle, and average as :math:`1/\tau`.

        Parameters
        ----------
        interrogation_time : float
            T, s, not shorter than the delays.

        Raises
        ------
        ValueError
            If T is not > 0 or a delay is longer.

        Examples
        --------
        >>> nodes = (Node(10), Node(10, link=Link(delay=0.02)))
        >>> Network(nodes, Oscillator(white=2.0), (), 429e12).delay_variances(1.0).round(3)
        array([0.01, 0.01])
        """
        time = positive("interrogation_time", interrogation_time, "s")
        single = [0.0]
        for node in self.nodes[1:]:
            delay, laser = node.link.delay, node.oscillator or self.oscillator
            if delay > time:
                raise ValueError(f"an interrogation must not be shorter than the delay {delay:g} s, got {time:g} s")
            single.append(delay**2 * float(laser.mean_square_change(delay, time)) if delay > 0.0 else 0.0)
        return self._sent(single)

    def _sent(self, single: Sequence[float]) -> NDArray[np.float64]:
        """Variance at each node for that of each comparison, of which the centre's own has none."""
        shares, variances = self.shares, np.array([0.0, *single[1:]])
        frequencies = np.array([node.frequency_hz or self.frequency_hz for node in self.nodes])
        ratios = frequencies / (shares @ frequencies)
        squares = shares**2 * variances
        return np.asarray((1.0 - ratios * shares) ** 2 * variances + ratios**2 * (squares.sum() - squares))


def _centre(nodes: Iterable[Node], otherwise: str = "") -> Oscillator:
    """Centre of mass of the lasers of nodes, or a ValueError that begins as told when one has none."""
    lasers, shares = [], []
    for number, node in enumerate(nodes, start=1):
        if node.oscillator is None:
            raise ValueError(f"{otherwise}: node {node.name or number} has no laser of its own")
        lasers.append(node.oscillator)
        shares.append(float(node.share))
    return centre_of_mass(lasers, shares)


# Keys of the file, by table, and the fields they stand for.
_NOISES: Mapping[str, type[RateNoise]] = {
    "dephasing_rate_per_s": Dephasing,
    "loss_rate_per_s": TrapLoss,
    "spontaneous_emission_rate_per_s": SpontaneousEmission,
    "pumping_rate_per_s": Pumping,
    "depolarizing_rate_per_s": Depolarizing,
}
_LINEWIDTHS: Mapping[str, tuple[str, float, str]] = {
    f"{kind}_linewidth_{ending}": (kind, factor, unit)
    for kind in ("white", "flicker", "random_walk")
    for ending, factor, unit in (("rad_per_s", 1.0, "rad/s"), ("hz", 2.0 * math.pi, "Hz"))
}
_GATES = {
    "entangling_fidelity": "entangling_fidelity",
    "phase_flip_probability": "phase_flip",
    "depolarizing_probability": "depolarizing",
    "dephasing_probability": "dephasing",
    "loss_probability": "loss",
    "measurement_error_probability": "measurement_error",
    "memory_dephasing_rate_per_s": "memory_dephasing",
}
_LINK = {
    "epr_rate_hz": "epr_rate_hz",
    "epr_fidelity": "epr_fidelity",
    "delay_s": "delay",
    "phase_noise_rad": "phase_noise",
}
_NODE = {"name": "name", "atoms": "atoms", "share": "share", "dead_time_s": "dead_time"}
_UNITS = ("_s", "_rad", "_hz", "_per_s", "_rad_per_s", "_probability")


def _is_other_unit(key: str, known: str, unit: str) -> bool:
    """Whether a key names what a known key does, in another unit than its own."""
    quantity = known.removesuffix(unit)
    return known.endswith(unit) and key.startswith(f"{quantity}_")


@dataclass(frozen=True)
class _Table:
    """A table of a TOML file; `keys` lead to it in `text`, and `label` names it in messages."""

    path: Path
    text: str
    content: Mapping[str, Any]
    keys: tuple[str | int, ...] = ()
    label: str = ""
    frequency_hz: float = 1.0

    def refusal(self, key: str, why: object) -> ValueError:
        line = line_of(self.text, (*self.keys, *key.split(".")))
        place = f"{self.path}, " if line is None else f"{self.path}, line {line}, "
        return ValueError(f"{place}{self.label}{key}: {why}")

    def table(self, key: str) -> _Table:
        content = self.content.get(key, {})
        if not isinstance(content, dict):
            raise self.refusal(key, f"must be a table of keys, got {content!r}")
        return replace(self, keys=(*self.keys, key), label=f"{self.label}{key}.", content=content)

    def node(self, number: int, content: Mapping[str, Any]) -> _Table:
        label = f"node {content.get('name') or number + 1!r}, "
        return replace(self, keys=("node", number), label=label, content=content)

    def only(self, *known: str) -> None:
        """Refuse keys that are not known, naming the one that is likely meant."""
        for key in self.content:
            if key in known:
                continue
            stated = [one for one in known if any(one == key + unit for unit in _UNITS)]
            if stated:
                raise self.refusal(key, f"the key must state its unit, write {' or '.join(stated)}")
            others = [one for one in known if any(_is_other_unit(key, one, unit) for unit in _UNITS)]
            if others:
                raise self.refusal(key, f"there is no such unit, write {' or '.join(others)}")
            near = difflib.get_close_matches(key, known, 1, 0.5)
            guess = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise self.refusal(key, f"there is no such key, {guess}")

    def build(self, kind: Callable[..., Any], fields: Mapping[str, str], **given: Any) -> Any:
        """An object of that kind whose fields are the keys of the table, with the key that it refuses."""
        result = None
        for key in [one for one in fields if one in self.content]:
            given[fields[key]] = self.content[key]
            result = self.attempt(key, kind, **given)
        return kind(**given) if result is None else result

    def attempt(self, key: str, kind: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
        try:
            return kind(*arguments, **given)
        except (TypeError, ValueError) as error:
            raise self.refusal(key, error) from None

    def frequency(self) -> float | None:
        """Of the transition, Hz."""
        self.only("species", "frequency_hz")
        if len(self.content) == 2:
            raise self.refusal("species", "give the species or frequency_hz, not both")
        if "species" in self.content:
            name, known = self.content["species"], known_species()
            if name not in list(known):
                raise self.refusal(
                    "species", f"must be one of {', '.join(known)}, got {name!r}; for another write frequency_hz"
                )
            return known[name].frequency_hz
        if "frequency_hz" not in self.content:
            return None
        return float(self.attempt("frequency_hz", positive, "the frequency", self.content["frequency_hz"], "Hz"))

    def noise(self) -> Iterator[RateNoise]:
        self.only(*_NOISES)
        for key, rate in self.content.items():
            yield self.attempt(key, _NOISES[key], rate)

    def oscillator(self) -> Oscillator | None:
        self.only(*_LINEWIDTHS, "flicker_floor")
        if not self.content:
            return None
        linewidths: dict[str, float] = {}
        for key, value in self.content.items():
            kind, factor, unit = _LINEWIDTHS.get(key, ("flicker", 1.0, ""))
            if kind in linewidths:
                raise self.refusal(key, f"the {kind.replace('_', '-')} noise is stated twice")
            if key == "flicker_floor":
                floor = self.attempt(key, Oscillator.from_flicker_floor, value, self.frequency_hz)
                linewidths[kind] = math.sqrt(floor.flicker)
            else:
                linewidths[kind] = factor * self.attempt(key, nonnegative, "the linewidth", value, unit)
        return Oscillator.from_linewidth(**linewidths)

    def link(self) -> Link:
        self.only(*_LINK, "noise")
        link: Link = self.build(Link, _LINK, oscillator=self.table("noise").oscillator() or Oscillator())
        return link

    def gates(self) -> Gates:
        self.only(*_GATES)
        gates: Gates = self.build(Gates, _GATES)
        return gates


def _read(path: Path) -> Network:
    """The network that a TOML file describes."""
    if not path.is_file():
        raise ValueError(f"no network file at {path}")
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        advice = "; the tables of a node follow its own [[node]]" if "('node'," in str(error) else ""
        raise ValueError(f"{path} is no TOML: {error}{advice}") from None
    top = _Table(path, text, content)
    top.only("name", "dead_time_s", "transition", "noise", "laser", "node")
    frequency = top.table("transition").frequency()
    if frequency is None:
        raise top.refusal("transition", "must hold the species or frequency_hz")
    top = replace(top, frequency_hz=frequency)
    entries = content.get("node", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise top.refusal("node", "must be a list of tables, each headed [[node]]")
    if not entries:
        raise top.refusal("node", "there is none, write a table headed [[node]] for each")
    tables = [top.node(number, entry) for number, entry in enumerate(entries)]
    nodes = [_node(table) for table in tables]
    noise, common = tuple(top.table("noise").noise()), top.table("laser").oscillator()
    own = [node.oscillator is not None for node in nodes]
    if common is not None and any(own):
        raise top.refusal("laser", "is for networks whose nodes state none: give one laser, or every node its own")
    if common is None and not all(own):
        table = tables[own.index(False)]
        raise table.refusal("laser", "there is none, neither of this node nor of the network")
    if "link" in tables[0].content:
        raise tables[0].refusal("link", "the first node is the centre, to which links lead: leave it out there")
    for table, node in zip(tables[1:], nodes[1:], strict=True):
        _check_rate(table, node, noise)
    bare = top.attempt("node", Network, nodes, common, noise, frequency)
    network: Network = top.build(partial(replace, bare), {"name": "name", "dead_time_s": "dead_time"})
    return network


def _node(table: _Table) -> Node:
    table.only(*_NODE, "transition", "noise", "laser", "gates", "link")
    if "atoms" not in table.content:
        raise table.refusal("atoms", "must be given")
    frequency = table.table("transition").frequency()
    own = table if frequency is None else replace(table, frequency_hz=frequency)
    parts = {
        "oscillator": own.table("laser").oscillator(),
        "noise": tuple(table.table("noise").noise()),
        "frequency_hz": frequency,
        "gates": table.table("gates").gates(),
        "link": own.table("link").link(),
    }
    # A name must be text whatever the number of atoms.
    node: Node = table.build(partial(Node, atoms=1), _NODE, **parts)
    return node


def _check_rate(table: _Table, node: Node, noise: tuple[Noise, ...]) -> None:
    """Refuse pairs that come later than the atoms forget their phase: there would never be a block."""
    rate = node.link.epr_rate_hz
    decay = -one_site([*noise, *node.noise], 1.0).log_coherence.real
    if rate is not None and rate < decay:
        raise table.refusal(
            "link.epr_rate_hz",
            f"{rate:g} Hz is too low to run: a pair comes every {1.0 / rate:.3g} s, but the atoms keep their coherence "
            f"for {1.0 / decay:.3g} s",
        )


def _written(network: Network) -> Iterator[str]:
    """Lines of the file, as `_read` reads it."""
    if network.name:
        yield f"name = {_quoted(network.name)}"
    yield from _nonzero({"dead_time_s": network.dead_time})
    yield from ("", "[transition]", _frequency(network.frequency_hz))
    yield from _section("noise", list(_rates(network.noise)))
    if not all(node.oscillator for node in network.nodes):
        yield from _section("laser", _linewidths(network.oscillator))
    for number, node in enumerate(network.nodes):
        yield from ("", "[[node]]")
        if node.name:
            yield f"name = {_quoted(node.name)}"
        yield from (f"atoms = {node.atoms}", f"share = {node.share}")
        yield from _nonzero({"dead_time_s": node.dead_time})
        if node.frequency_hz is not None:
            yield from ("", "[node.transition]", _frequency(node.frequency_hz))
        yield from _section("node.laser", _linewidths(node.oscillator) if node.oscillator else [])
        yield from _section("node.noise", list(_rates(node.noise)))
        yield from _section("node.gates", _differing(node.gates, Gates(), _GATES))
        if number > 0:
            yield from _section("node.link", _differing(node.link, Link(), _LINK))
            yield from _section("node.link.noise", _nonzero(_by_width(node.link.oscillator)))


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    return ["", f"[{heading}]", *lines] if lines else []


def _nonzero(values: Mapping[str, float]) -> list[str]:
    return [f"{key} = {value!r}" for key, value in values.items() if value != 0.0]


def _by_width(oscillator: Oscillator) -> dict[str, float]:
    keys = (f"{kind}_linewidth_rad_per_s" for kind in ("white", "flicker", "random_walk"))
    return dict(zip(keys, oscillator.linewidths, strict=True))


def _linewidths(oscillator: Oscillator) -> list[str]:
    """Of a laser, which must be stated even if it is perfect."""
    widths = _by_width(oscillator)
    return _nonzero(widths) or [f"{next(iter(widths))} = 0.0"]


def _rates(noises: Sequence[Noise]) -> Iterator[str]:
    keys = {kind: key for key, kind in _NOISES.items()}
    for noise in noises:
        if isinstance(noise, RateNoise) and type(noise) in keys:
            yield f"{keys[type(noise)]} = {noise.rate!r}"
        else:
            yield f"# {noise!r}"


def _differing(part: Gates | Link, ideal: Gates | Link, keys: Mapping[str, str]) -> list[str]:
    return [
        f"{key} = {getattr(part, name)!r}" for key, name in keys.items() if getattr(part, name) != getattr(ideal, name)
    ]


def _frequency(frequency_hz: float) -> str:
    return f"frequency_hz = {frequency_hz!r}  # {transition(frequency_hz)}"


def _quoted(text: str) -> str:
    """A TOML string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
