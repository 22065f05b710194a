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
    "custom": qcn.CustomState(qutip.bell_state("01")),
}
ALL, NOT_COMMON = set(NOISES), set(NOISES) - {"diffusion", "everything"}
SERVED = {
    ("Logical", "ghz"): ALL,
    ("Logical", "large ghz"): ALL,
    ("Logical", "product"): ALL,
    ("Logical", "cascade"): NOT_COMMON,
    ("Logical", "coherent"): NOT_COMMON,
    ("Logical", "custom"): set(),
    ("QuimbMPO", "ghz"): ALL,
    ("QuimbMPO", "large ghz"): set(),
    ("QuimbMPO", "product"): ALL,
    ("QuimbMPO", "cascade"): set(),
    ("QuimbMPO", "coherent"): ALL,
    ("QuimbMPO", "custom"): ALL,
    ("QutipDense", "ghz"): ALL,
    ("QutipDense", "large ghz"): set(),
    ("QutipDense", "product"): ALL,
    ("QutipDense", "cascade"): set(),
    ("QutipDense", "coherent"): set(),
    ("QutipDense", "custom"): ALL,
}


@pytest.mark.parametrize(
    "backend", [qcn.Logical(), qcn.QutipDense(), qcn.QuimbMPO()], ids=lambda backend: type(backend).__name__
)
@pytest.mark.parametrize("probe", PROBES)
def test_matrix_of_refusals(backend: qcn.Backend, probe: str) -> None:
    served = {
        name for name, rates in NOISES.items() if backend.refusal(qcn.Ramsey(PROBES[probe], noise(rates), 0.1)) is None
    }
    assert served == SERVED[type(backend).__name__, probe]


def test_auto_takes_the_cheapest_and_says_why() -> None:
    assert isinstance(qcn.explain(qcn.Ramsey(PROBES["product"], qcn.Dephasing(1.0), 0.1)).backend, qcn.Logical)
    explanation = qcn.explain(qcn.Ramsey(PROBES["custom"], qcn.Dephasing(1.0), 0.1))
    assert isinstance(explanation.backend, qcn.QutipDense)
    assert "not a product of GHZ blocks" in str(explanation)


def test_every_refusal_is_listed_when_none_serves() -> None:
    model = qcn.Ramsey(PROBES["coherent"], qcn.PhaseDiffusion(0.1), 0.1)
    assert qcn.explain(model).backend is None
    with pytest.raises(ValueError, match=r"no backend .*; not Logical\(\): .* 100 blocks .*; not QutipDense"):
        qcn.qfi(model)


@pytest.mark.parametrize(
    ("backend", "probe", "reason"),
    [
        (qcn.Logical(), "custom", "not a product of GHZ blocks"),
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
