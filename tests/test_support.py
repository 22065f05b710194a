"""Who serves what: the matrix of refusals is pinned, so that a skipped case can't hide."""

from __future__ import annotations

import pytest
import qutip
from grid import NOISES, noise

import qcn_open as qcn

PROBES = {
    "ghz": qcn.Ghz(4),
    "large ghz": qcn.Ghz(10**6),
    "product": qcn.Product({4: 1, 1: 2}),
    "cascade": qcn.Product({2**j: 12 for j in range(16)}),
    "coherent": qcn.CoherentSpin(100),
    "grown": qcn.GrownGhz(1000, "chain", loss=1e-4),
    "small grown": qcn.GrownGhz(3, depolarizing=0.1),
    "teleported": qcn.TeleportedGhz((qcn.Gates(depolarizing=1e-4),) * 10, (100,) * 10),
    "wrong bits": qcn.TeleportedGhz((qcn.Gates(measurement_error=0.1),) * 2, (2, 1)),
    "huge coherent": qcn.CoherentSpin(5000),
    "squeezed": qcn.SpinSqueezed(100, 0.07),
    "dicke": qcn.Dicke(6, 3, 1.5),
    "custom": qcn.CustomState(qutip.bell_state("11")),
    "symmetric custom": qcn.CustomState(qutip.bell_state("01")),
}
ALL, NOT_COMMON = set(NOISES), set(NOISES) - {"diffusion", "everything"}
SERVED = {
    ("Logical", "ghz"): ALL,
    ("Logical", "large ghz"): ALL,
    ("Logical", "product"): ALL,
    ("Logical", "cascade"): NOT_COMMON,
    ("Logical", "coherent"): NOT_COMMON,
    ("Logical", "huge coherent"): NOT_COMMON,
    ("Logical", "squeezed"): set(),
    ("Logical", "dicke"): set(),
    ("Logical", "custom"): set(),
    ("Logical", "grown"): set(),
    ("Logical", "small grown"): set(),
    **{("Logical", probe): set() for probe in ("teleported", "wrong bits")},
    **{("Growth", probe): set() for probe in PROBES},
    ("Growth", "grown"): ALL,
    ("Growth", "small grown"): ALL,
    ("Growth", "teleported"): ALL,
    ("Logical", "symmetric custom"): set(),
    **{("Symmetric", probe): set() for probe in ("grown", "small grown", "teleported", "wrong bits")},
    ("Symmetric", "ghz"): ALL,
    ("Symmetric", "large ghz"): set(),
    ("Symmetric", "product"): set(),
    ("Symmetric", "cascade"): set(),
    ("Symmetric", "coherent"): ALL,
    ("Symmetric", "huge coherent"): set(),
    ("Symmetric", "squeezed"): ALL,
    ("Symmetric", "dicke"): ALL,
    ("Symmetric", "custom"): set(),
    ("Symmetric", "symmetric custom"): ALL,
    ("QuimbMPO", "ghz"): ALL,
    ("QuimbMPO", "large ghz"): set(),
    ("QuimbMPO", "product"): ALL,
    ("QuimbMPO", "cascade"): set(),
    ("QuimbMPO", "coherent"): ALL,
    ("QuimbMPO", "custom"): ALL,
    ("QuimbMPO", "symmetric custom"): ALL,
    ("QuimbMPO", "huge coherent"): NOT_COMMON,
    ("QuimbMPO", "squeezed"): set(),
    ("QuimbMPO", "dicke"): ALL,
    ("QuimbMPO", "grown"): NOT_COMMON,
    ("QuimbMPO", "small grown"): ALL,
    ("QutipDense", "ghz"): ALL,
    ("QutipDense", "large ghz"): set(),
    ("QutipDense", "product"): ALL,
    ("QutipDense", "cascade"): set(),
    ("QutipDense", "coherent"): set(),
    ("QutipDense", "huge coherent"): set(),
    ("QutipDense", "squeezed"): set(),
    ("QutipDense", "dicke"): ALL,
    ("QutipDense", "custom"): ALL,
    ("QutipDense", "grown"): set(),
    ("QutipDense", "small grown"): ALL,
    ("QutipDense", "symmetric custom"): ALL,
    ("QutipDense", "teleported"): set(),
    ("QutipDense", "wrong bits"): ALL,
    ("QuimbMPO", "wrong bits"): ALL,
    ("QuimbMPO", "teleported"): NOT_COMMON,
}


@pytest.mark.parametrize(
    "backend",
    [qcn.Logical(), qcn.Growth(), qcn.Symmetric(), qcn.QutipDense(), qcn.QuimbMPO()],
    ids=lambda backend: type(backend).__name__,
)
@pytest.mark.parametrize("probe", PROBES)
def test_matrix_of_refusals(backend: qcn.Backend, probe: str) -> None:
    served = {
        name for name, rates in NOISES.items() if backend.refusal(qcn.Ramsey(PROBES[probe], noise(rates), 0.1)) is None
    }
    assert served == SERVED[type(backend).__name__, probe]


def test_auto_takes_the_cheapest_and_says_why() -> None:
    assert isinstance(qcn.explain(qcn.Ramsey(PROBES["product"], qcn.Dephasing(1.0), 0.1)).backend, qcn.Logical)
    assert isinstance(qcn.explain(qcn.Ramsey(PROBES["squeezed"], qcn.TrapLoss(1.0), 0.1)).backend, qcn.Symmetric)
    assert isinstance(qcn.explain(qcn.Ramsey(PROBES["coherent"], qcn.PhaseDiffusion(1.0), 0.1)).backend, qcn.Symmetric)
    explanation = qcn.explain(qcn.Ramsey(PROBES["custom"], qcn.Dephasing(1.0), 0.1))
    assert isinstance(explanation.backend, qcn.QutipDense)
    assert "not a product of GHZ blocks" in str(explanation)
    assert "not symmetric under permutations" in str(explanation)


def test_every_refusal_is_listed_when_none_serves() -> None:
    model = qcn.Ramsey(PROBES["cascade"], qcn.PhaseDiffusion(0.1), 0.1)
    assert qcn.explain(model).backend is None
    sentence = r"no backend .*; not Logical\(\): .* 192 blocks .*; not Symmetric\(.*; not QutipDense\(.*; not QuimbMPO"
    with pytest.raises(ValueError, match=sentence):
        qcn.qfi(model)


@pytest.mark.parametrize(
    ("backend", "probe", "reason"),
    [
        (qcn.Logical(), "custom", "not a product of GHZ blocks"),
        (qcn.Symmetric(), "custom", "not symmetric under permutations of its atoms"),
        (qcn.Symmetric(), "product", "not symmetric under permutations of its atoms"),
        (qcn.Symmetric(), "huge coherent", "5000 atoms are more than max_atoms=500"),
        (qcn.QutipDense(), "coherent", "100 atoms with 2 levels exceed"),
        (qcn.QutipDense(max_dimension=8), "ghz", "4 atoms with 2 levels exceed"),
        (qcn.QuimbMPO(), "cascade", "exceed the 10000 sites"),
        (qcn.QuimbMPO(max_bond=3), "ghz", "bonds of dimension 4, more than max_bond=3"),
        (qcn.QuimbMPO(order=(1, 0)), "custom", "for products of GHZ blocks"),
        (qcn.QuimbMPO(order=(1, 0)), "ghz", "places 2 atoms, the probe has 4"),
    ],
)
def test_a_backend_asked_for_what_it_cannot_do_says_so(backend: qcn.Backend, probe: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        qcn.qfi(qcn.Ramsey(PROBES[probe], qcn.Dephasing(1.0), 0.1), backend)
