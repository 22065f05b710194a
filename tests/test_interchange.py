"""What other programs get: QuTiP and quimb objects, Parquet with units, and phase files."""

from __future__ import annotations

import json
from pathlib import Path

import allantools
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open.interchange import parquet_units, read_phase, units, write_parquet, write_phase

# Half a minute and more: left to `make test`.
pytestmark = pytest.mark.slow

PROBES = [
    qcn.Ghz(4),
    qcn.Ghz(3, excited_weight=0.68),
    qcn.CoherentSpin(3),
    qcn.Product({2: 1, 1: 2}),
    qcn.SpinSqueezed(4, twist=0.3),
    qcn.Dicke(4, 2),
    qcn.SymmetricState([0.6, 0.0, 0.8j]),
    qcn.GrownGhz(4, depolarizing=0.02, loss=0.01),
]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_probes_as_objects_of_qutip_and_quimb(probe: qcn.Probe) -> None:
    state = probe.to_qutip()
    levels = [probe.levels] * probe.atoms
    assert state.dims == [levels, [1] if state.isket else levels]
    expected = probe.vector()
    assert np.abs(state.full().squeeze() - expected).max() < 1e-15
    network = np.asarray(probe.to_quimb().to_dense()).squeeze()
    assert np.abs(network - expected).max() < 1e-12
    # QuTiP takes it: atoms are exchanged by its own permutation.
    turned = state.permute([*range(1, probe.atoms), 0])
    rho = turned.proj() if turned.isket else turned
    assert rho.tr() == approx(1.0, rel=1e-12)


@pytest.mark.parametrize("backend", [qcn.Symmetric(), qcn.QutipDense(), qcn.QuimbMPO()], ids=repr)
def test_states_of_all_backends_as_the_same_objects(backend: qcn.Backend) -> None:
    model = qcn.Ramsey(qcn.Ghz(3), (qcn.Dephasing(0.4), qcn.TrapLoss(0.1)), time=0.7)
    state, derivative = backend.evolve(model).to_qutip()
    rate, survival = 3 * 0.4 / 2, np.exp(-0.1 * 0.7) ** 3
    coherence = 0.5 * survival * np.exp(-rate * 0.7)
    excited, ground = 13, 0
    assert state.full().shape == (27, 27)
    assert abs(state.full()[excited, ground]) == approx(coherence, rel=1e-6)
    assert abs(derivative.full()[excited, ground]) == approx(3 * coherence, rel=1e-6)
    mpo, _ = backend.evolve(model).to_quimb()
    assert np.abs(np.asarray(mpo.to_dense()) - state.full()).max() < 1e-10


def test_units_of_columns() -> None:
    names = ["tau_s", "qfi_s2", "rms_rad_high", "diffusion_rad2_per_s", "loss_per_s", "rate_hz", "slips_per_cycle"]
    assert list(units(names).values()) == ["s", "s^2", "rad", "rad^2/s", "1/s", "Hz", "1"]


def test_parquet_keeps_numbers_and_units(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "scheme": ["a", "b"],
            "tau_s": [0.1, 1.0 / 3.0],
            "sigma_y": [1e-17, np.nan],
            "slips": [0, 3],
            "ok": [True, False],
        }
    )
    path = tmp_path / "table.parquet"
    write_parquet(table, path, {"network": "Three strontium clocks", "seed": 7})
    pd.testing.assert_frame_equal(pd.read_parquet(path), table, check_exact=True)
    assert parquet_units(path) == {"tau_s": "s", "sigma_y": "1", "slips": "1"}
    about = json.loads(pq.read_schema(path).metadata[b"qcn_open"])
    assert about == {"version": qcn.__version__, "network": "Three strontium clocks", "seed": 7}
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.parquet"]


def test_phase_file_has_the_deviation_of_the_record(tmp_path: Path) -> None:
    y = 1e-15 * np.random.default_rng(3).standard_normal(1000)
    path = tmp_path / "clock.phd"
    write_phase(path, y, rate=0.25, note="one node")
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# phase (s) every 4.0 s", "# one node"]
    assert len(lines) == 2 + 1001
    phase = read_phase(path)
    ours = qcn.overlapping_adev(y, 0.25, [4.0, 40.0, 400.0])
    _, theirs, _, _ = allantools.oadev(phase, rate=0.25, data_type="phase", taus=[4.0, 40.0, 400.0])
    assert ours.sigma_y.to_numpy() == approx(theirs, rel=1e-9)


def test_phases_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "clock.phd"
    with pytest.raises(ValueError, match=r"^sample 1 of the record is missing"):
        write_phase(path, [1.0, np.nan], 1.0)
    with pytest.raises(ValueError, match=r"one record of samples, got an array of shape \(0,\)"):
        write_phase(path, [], 1.0)
    with pytest.raises(ValueError, match="shape \\(1, 2\\)"):
        write_phase(path, [[1.0, 2.0]], 1.0)
    with pytest.raises(ValueError, match=r"^rate must be finite and > 0 \(Hz\)"):
        write_phase(path, [1.0], 0.0)
    with pytest.raises(ValueError, match="one line"):
        write_phase(path, [1.0], 1.0, "two\nlines")
    assert not path.exists()
    path.write_text("x\n")
    with pytest.raises(ValueError, match="x"):
        read_phase(path)


def test_a_record_as_phases(tmp_path: Path) -> None:
    plan = qcn.Plan(0.5, qcn.Cascade(uncorrelated=20), dead_time=0.1)
    oscillator = qcn.Oscillator.from_linewidth(white=0.2)
    record = qcn.run_clock(plan, oscillator, 400, np.random.default_rng(5), chains=2)
    y = record.fractional_frequency(429e12)
    assert y.shape == (2, 400)
    write_phase(tmp_path / "clock.phd", y[0], 1.0 / plan.cycle_time)
    taus = [plan.cycle_time, 10 * plan.cycle_time]
    _, theirs, _, _ = allantools.oadev(
        read_phase(tmp_path / "clock.phd"), rate=1.0 / plan.cycle_time, data_type="phase", taus=taus
    )
    one = type(record)(
        plan,
        *(values[:1] for values in (record.errors, record.phases, record.slips, record.slipped_cycles)),
        record.rounding_errors[:1],
    )
    assert one.stability(429e12, taus).sigma_y.to_numpy() == approx(theirs, rel=1e-9)
