"""Numerical controls do what their names say."""

from __future__ import annotations

import numpy as np
import pytest
import references
from references import Rates

import qcn_open as qcn

RATES = Rates(dephasing=1.0, emission=0.5)
MODEL = qcn.Ramsey(qcn.Ghz(4), (qcn.Dephasing(1.0), qcn.SpontaneousEmission(0.5)), 0.8)
EXACT = references.ghz_qfi(4, 0.8, RATES)


def error(backend: qcn.QutipDense) -> float:
    return abs(qcn.qfi(MODEL, backend) / EXACT - 1)


def test_lindblad_error_follows_the_tolerance() -> None:
    """Over eight decades of the tolerance the error of the information falls by at least five."""
    tolerances = 10.0 ** np.arange(-4, -13, -2)
    errors = np.array([error(qcn.QutipDense(rtol=rtol, atol=1e-6 * rtol)) for rtol in tolerances])
    slope = np.polyfit(np.log10(tolerances), np.log10(errors + 1e-16), 1)[0]
    assert slope > 0.6
    assert errors[-1] < 1e-11
    assert errors[0] > 1e-9


def test_a_tolerance_that_hides_the_coherence_is_refused() -> None:
    """QuTiP's default 1e-8 is a tenth of this coherence: what it would give is no number."""
    model = qcn.Ramsey(qcn.Ghz(5), qcn.Dephasing(1.0), 6.0)
    exact = references.ghz_qfi(5, 6.0, Rates(dephasing=1.0))
    assert abs(qcn.qfi(model, qcn.QutipDense()) / exact - 1) < 1e-8
    with pytest.raises(ValueError, match=r"has decayed to 1\.5e-07, which atol=1e-08 does not resolve"):
        qcn.qfi(model, qcn.QutipDense(atol=1e-8))
