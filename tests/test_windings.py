"""The first of nested ensembles has no other to tell its turns: phase and error leave the circle together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from clock_loop import direction, group

from qcn_open import DualQuadrature, MultiAngle
from qcn_open.budgets import windings


@pytest.mark.parametrize(("atoms", "readout"), [(8, "dual"), (8, "multi"), (16, "multi")])
def test_first_slips_are_those_of_samples(atoms: int, readout: str) -> None:
    variance, uses = 0.5, 10**6
    rng = np.random.default_rng(atoms)
    ensemble = group(1, atoms, readout)
    phases = rng.normal(0.0, math.sqrt(variance), uses)
    up = 0.5 * (1.0 + np.cos(phases - ensemble.angles[:, None]))
    plus = rng.binomial(np.broadcast_to(ensemble.trials[:, None], up.shape), up).astype(float)
    read = np.nan_to_num(direction(ensemble, plus, ensemble.trials[:, None] - plus))
    sampled = float((np.abs(read - phases) > math.pi).mean())
    found = windings((atoms,), (4,), variance, DualQuadrature() if readout == "dual" else MultiAngle()).slips[0]
    assert abs(found - sampled) < 4.5 * math.sqrt(found / uses) + 0.02 * found
    # The phase alone does so much less often.
    assert found > 1.5 * math.erfc(math.pi / math.sqrt(2.0 * variance))
