"""What clocks do in a cycle, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qcn_open.clock import Plan
    from qcn_open.network import Network

__all__ = ["clock_names", "cycle", "network_line", "plan_rows", "why_not_longer"]

_LIMITS: Mapping[str, str] = {
    "interrogation time = tau": "it is as long as the averaging time leaves room for",
    "slips": "the laser's phase would then slip by whole turns too often",
    "decoherence": "the atoms would then lose more of their coherence than the larger phase is worth",
    "atoms that track windings": "too few atoms would then be left beside those that count the turns of the phase",
}
_READOUTS: Mapping[str, str] = {
    "MultiAngle": "fixed angles",
    "FedForward": "angles fed forward",
    "DualQuadrature": "two quadratures",
}


def network_line(network: Network) -> str:
    """The network in a sentence."""
    nodes = ", ".join(f"{name} {node.atoms}" for name, node in zip(_names(network), network.nodes, strict=True))
    return f"{network.name or 'The network'}: {network.atoms} atoms in {_number(len(network.nodes), 'node')} ({nodes})."


def clock_names(network: Network, scheme: str) -> list[str]:
    """Who the clocks of a scheme are."""
    if scheme.endswith("cooperative"):
        return ["all nodes"]
    return _names(network)[: 1 if scheme.endswith("alone") else None]


def plan_rows(network: Network, scheme: str, plans: Sequence[Plan]) -> list[dict[str, object]]:
    """The plan of each clock, as the rows of a table."""
    return [
        {
            "clock": name,
            "interrogation_time_s": plan.interrogation_time,
            "cycle_time_s": plan.cycle_time,
            "uncorrelated_atoms": _divided(plan)[0],
            "blocks": _blocks(plan) or "none",
            "tracking": ", ".join(f"{atoms} for {time:.4g} s" for atoms, time in _tracking(plan)) or "none",
            "readout": _readout(plan),
        }
        for name, plan in zip(clock_names(network, scheme), plans, strict=False)
    ]


def cycle(network: Network, scheme: str, plans: Sequence[Plan]) -> Iterator[str]:
    """What one cycle of each clock does, who holds which atoms, and how they are read."""
    names = clock_names(network, scheme)
    if scheme == "quantum-classical":
        yield "Every node runs a clock of its own; their records are averaged with weights inverse to their variances."
    elif scheme.endswith("alone") and len(network.nodes) > 1:
        yield f"{names[0]} runs a clock alone; the other nodes do nothing."
    elif len(network.nodes) > 1:
        yield "All nodes are one clock, whose laser is the centre of mass of theirs."
    read = []
    for name, plan in zip(names, plans, strict=False):
        cascade = plan.cascade
        dead = f"; {plan.dead_time:.4g} s later the next cycle begins" if plan.dead_time else ""
        yield f"In a cycle of {name} the atoms are interrogated for {plan.interrogation_time:.4g} s{dead}."
        alone, larger = _divided(plan)
        if alone:
            yield f"{_number(alone, 'atom')} {'is' if alone == 1 else 'are'} uncorrelated."
        sizes = [f"{copies} of {size}" for copies, size in larger]
        if sizes:
            blocks = " and ".join(filter(None, [", ".join(sizes[:-1]), sizes[-1]]))
            yield f"{_number(cascade.atoms - alone, 'atom')} are in GHZ blocks: {blocks} atoms."
        if sizes and cascade.nodes > 1:
            shares = [f"{node.share} of {one}" for node, one in zip(network.nodes, _names(network), strict=True)]
            yield f"A block of {cascade.nodes} atoms holds {', '.join(shares)}, a larger one as many times more."
        for atoms, time in _tracking(plan):
            yield (
                f"{_number(atoms, 'atom')} are interrogated {round(plan.interrogation_time / time)} times for "
                f"{time:.4g} s instead, to count the whole turns of the laser's phase."
            )
        read.append(
            f"Blocks of equal size are read at {_readout(plan)} and all outcomes are weighed together; "
            f"the fraction {plan.gain:g} of the detuning found is then taken off the laser."
        )
    # Most often clocks are read alike.
    yield from dict.fromkeys(read)


def why_not_longer(reason: str) -> str:
    """Why the interrogation is not longer, from what `qcn_open.stability` says it is limited by."""
    return f"The interrogation is not longer because {_LIMITS.get(reason, reason)}."


def _names(network: Network) -> list[str]:
    return [node.name or f"node {number}" for number, node in enumerate(network.nodes, start=1)]


def _divided(plan: Plan) -> tuple[int, list[tuple[int, int]]]:
    """Uncorrelated atoms, and copies and atoms of the blocks of several: a block of one is an uncorrelated atom."""
    copies = plan.cascade.probe().copies_by_size()
    return copies.pop(1, 0), [(copies[size], size) for size in sorted(copies)]


def _blocks(plan: Plan) -> str:
    return " + ".join(f"{copies} x {size}" for copies, size in _divided(plan)[1])


def _tracking(plan: Plan) -> list[tuple[int, float]]:
    """Atoms and Ramsey time (s) of each ensemble that counts windings."""
    parts = zip(plan.tracking.atoms, plan.tracking.fractions, strict=True)
    return [(atoms, plan.interrogation_time / part) for atoms, part in parts]


def _readout(plan: Plan) -> str:
    kind = type(plan.cascade.readout).__name__
    return _READOUTS.get(kind, kind)


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
