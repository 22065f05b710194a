"""The models on which every root is compared, with the same physics in the words of `references`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
import references
from numpy.typing import NDArray
from references import Rates

import qcn_open as qcn

KINDS = {
    "dephasing": qcn.Dephasing,
    "emission": qcn.SpontaneousEmission,
    "pumping": qcn.Pumping,
    "loss": qcn.TrapLoss,
    "depolarising": qcn.Depolarizing,
    "diffusion": qcn.PhaseDiffusion,
}
NOISES = {
    "none": Rates(),
    "dephasing": Rates(dephasing=0.9),
    "emission": Rates(emission=0.7),
    "pumping": Rates(pumping=0.6),
    "loss": Rates(loss=0.5),
    "depolarising": Rates(depolarising=0.4),
    "diffusion": Rates(diffusion=0.3),
    "two-level": Rates(dephasing=0.4, emission=0.7, pumping=0.2, depolarising=0.3),
    "all local": Rates(dephasing=0.4, emission=0.7, pumping=0.2, loss=0.5, depolarising=0.3),
    "everything": Rates(0.4, 0.7, 0.2, 0.5, 0.3, 0.25),
}
AMPLITUDES = np.array([0.3 + 0.4j, -0.5, 0.1 - 0.6j, 0.2 + 0.3j])
PROBES: dict[str, qcn.Probe] = {
    "ghz1": qcn.Ghz(1),
    "ghz3": qcn.Ghz(3),
    "ghz4": qcn.Ghz(4),
    "unbalanced": qcn.Ghz(3, excited_weight=0.68),
    "coherent": qcn.CoherentSpin(3),
    "product": qcn.Product({2: 1, 1: 2}),
    "squeezed": qcn.SpinSqueezed(4, 0.6),
    "dicke": qcn.Dicke(3, 1, 0.7),
    "amplitudes": qcn.SymmetricState(AMPLITUDES),
}
TIME, PHASE = 0.45, 0.37
BACKENDS: dict[str, qcn.Backend] = {
    "logical": qcn.Logical(),
    "symmetric": qcn.Symmetric(),
    "network": qcn.QuimbMPO(),
    "qutip": qcn.QutipDense(),
}


@dataclass(frozen=True)
class Case:
    """A model of the package and what brute force needs for the same one."""

    probe: qcn.Probe
    rates: Rates
    time: float = TIME
    phase: float = PHASE

    @property
    def model(self) -> qcn.Ramsey:
        return qcn.Ramsey(self.probe, noise(self.rates), self.time, self.phase)

    @property
    def levels(self) -> int:
        return 3 if self.rates.loss else 2

    def evolved(self, nodes: list[list[int]] | None = None) -> references.Evolved:
        detunings = [self.phase / self.time] * (1 if nodes is None else len(nodes))
        return references.evolve(self.state(), self.levels, self.time, self.rates, detunings, nodes)

    def state(self) -> NDArray[np.complex128]:
        """The probe as a product of GHZ vectors, or by collective spins, written by `references`."""
        if isinstance(self.probe, qcn.SpinSqueezed):
            return references.squeezed_state(self.probe.size, self.levels, self.probe.twist)
        if isinstance(self.probe, qcn.Dicke):
            return references.tilted_dicke_state(self.probe.size, self.levels, self.probe.excited, self.probe.tilt)
        if isinstance(self.probe, qcn.SymmetricState):
            states = [references.dicke_state(self.probe.atoms, self.levels, k) for k in range(self.probe.atoms + 1)]
            return AMPLITUDES @ np.array(states)
        weight = getattr(self.probe, "excited_weight", 0.5)
        return reduce(np.kron, [references.ghz_state(n, self.levels, weight) for n in self.probe.block_sizes()])


def noise(rates: Rates) -> list[qcn.Noise | qcn.CollectiveNoise]:
    """The package's noises at these rates."""
    given = {field.name: getattr(rates, field.name) for field in fields(rates)}
    return [KINDS[name](rate) for name, rate in given.items() if rate > 0.0]


CASES = {f"{p}-{n}": Case(PROBES[p], NOISES[n]) for p in PROBES for n in NOISES}
SERVED = [
    (name, backend)
    for name, case in CASES.items()
    for backend in BACKENDS
    if BACKENDS[backend].refusal(case.model) is None
]
