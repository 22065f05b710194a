"""The package against its peers on identical work, in one run: CPU times, ratios and errors.

`make bench` takes a few minutes and needs nothing but the package's own environment: it writes results.csv. `make
bench-peers` builds an environment for TNQMetro, QMetro++ and QuanEstimation too and takes most of an hour: it writes
peers.csv and products.csv. What the peers do is in peers.py. Their calls are remembered in .measured.json beside this
file, so that an interrupted run goes on where it stopped; delete it to measure anew.

Errors are relative to closed forms evaluated here: the sum over GHZ blocks of n^2 T^2 exp(-n gamma T) (Huelga et al.
1997), and N/(1/N + (1 - eta^2)/eta^2) for the bound under dephasing (Escher et al. 2011). There is none for a best
probe: there the value itself is what to compare, a lower bound on the optimum for every tool.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import peers
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import qcn_open as qcn

HERE = Path(__file__).parent
PEERS_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
MEASURED = HERE / ".measured.json"
RATE = 1.0
ETA = 0.9
DEPHASING = qcn.Dephasing(-2.0 * math.log(ETA))
LOSS = qcn.TrapLoss(-math.log(ETA))
PRODUCTS = ((2, 2), (1, 1, 1), (1, 2, 4), (1, 2, 4, 8, 16), (10,) * 10)
TWIST = 0.1
STARTS = 3
LIMIT_S = 400


class Row(NamedTuple):
    """One tool at one work: `call` returns the CPU seconds, the value and perhaps the version and the setting."""

    work: str
    tool: str
    call: Callable[[], dict[str, Any]]
    exact: float = math.nan


# --- how a tool is called --------------------------------------------------------------------------------------------


def ours(call: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    """The package's own call: repeated while it is short, its first time (imports, caches) uncounted."""

    def run() -> dict[str, Any]:
        first = peers.measure(call)
        return first if first["time_s"] > 10.0 else peers.measure(call, runs=5 if first["time_s"] < 1.0 else 1)

    return run


@cache
def versions(python: Path) -> dict[str, str]:
    """Which tools an environment holds."""
    return json.loads(subprocess.run([python, HERE / "peers.py", "versions"], check=True, capture_output=True).stdout)


def remembered(tool: str, function: str, options: dict[str, Any]) -> dict[str, Any]:
    """A peer's call in a process and if need be an environment of its own, or what an earlier run found."""
    python = Path(sys.executable) if tool.startswith("QuTiP") else PEERS_PYTHON
    version = versions(python)[tool]
    source = hashlib.sha256((HERE / "peers.py").read_bytes()).hexdigest()[:12]
    key = json.dumps([source, version, function, options], sort_keys=True)
    known = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    if key not in known:
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
        # CPU seconds, so that what else the machine does decides neither times nor who ends.
        command = ["bash", "-c", f'ulimit -t {LIMIT_S}; exec "$@"', "bash", python, HERE / "peers.py", function]
        done = subprocess.run([*command, json.dumps(options)], capture_output=True, env=os.environ | one_thread)
        if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            report = {"time_s": LIMIT_S, "value": math.nan, "setting": f"unfinished in {LIMIT_S} s"}
        else:
            done.check_returncode()
            report = json.loads(done.stdout)
        known[key] = {"version": version, **report}
        draft = MEASURED.with_suffix(".tmp")
        draft.write_text(json.dumps(known, indent=1))
        draft.replace(MEASURED)
    return known[key]


def theirs(tool: str, function: str, seeds: tuple[int, ...] = (0,), **options: Any) -> Callable[[], dict[str, Any]]:
    """A peer's call from the first of several default starts with which it ends; its time is that start's alone."""

    def run() -> dict[str, Any]:
        failed = 0
        for seed in seeds:
            report = remembered(tool, function, {**options, "seed": seed})
            if not math.isnan(report["value"]):
                break
            failed += 1
        if failed:
            report = {**report, "setting": f"{report['setting']}; {failed} of {len(seeds)} starts failed"}
        return report

    return run


def closed_form(copies: dict[int, int], interrogation_time: float) -> float:
    """Sum of n^2 T^2 exp(-n gamma T) over the blocks, s^2."""
    return sum(
        number * (size * interrogation_time) ** 2 * math.exp(-size * RATE * interrogation_time)
        for size, number in copies.items()
    )


def product_form(blocks: tuple[int, ...]) -> float:
    """Sum of n^2 eta^(2n) over the blocks, s^2 at an interrogation time of 1 s."""
    return math.fsum(size**2 * ETA ** (2 * size) for size in blocks)


# --- make bench ------------------------------------------------------------------------------------------------------


def ghz_rows() -> list[Row]:
    """QFI of a dephased GHZ state at its best time, against QuTiP in this environment."""
    rows = []
    for tool, function, sizes in (("QuTiP mesolve", "mesolve", (6, 8)), ("QuTiP PIQS", "piqs", (20, 50))):
        for size in sizes:
            duration = 1.0 / (size * RATE)
            model = qcn.Ramsey(qcn.Ghz(size), qcn.Dephasing(RATE), duration)
            work, exact = f"QFI of a dephased GHZ state, n = {size}", closed_form({size: 1}, duration)
            rate = {"rate": RATE} if function == "mesolve" else {"dephasing": RATE}
            call = partial(getattr(peers, function), size, interrogation_time=duration, **rate)
            rows += [
                Row(work, tool, ours(call), exact),
                Row(work, "qcn_open Logical", ours(partial(qcn.qfi, model)), exact),
            ]
            if size <= 8:
                rows.append(Row(work, "qcn_open QutipDense", ours(partial(qcn.qfi, model, qcn.QutipDense())), exact))
            else:
                rows.append(Row(work, "qcn_open Symmetric", ours(partial(qcn.qfi, model, qcn.Symmetric())), exact))
    return rows


def cascade_rows() -> list[Row]:
    """Products of many GHZ blocks, with one and with three noises, and their best time."""
    cascade = {2**j: 12 for j in range(16)}
    noises = (qcn.Dephasing(RATE), qcn.SpontaneousEmission(0.3), qcn.TrapLoss(0.2))
    product = qcn.Ramsey(qcn.Product(cascade), qcn.Dephasing(RATE), 1e-4)
    noisy = qcn.Ramsey(qcn.Product(cascade), noises, 1e-4)
    best = partial(qcn.optimal_time, qcn.Product(cascade), noises)
    return [
        Row(
            "QFI of 16 levels x 12 copies",
            "qcn_open Logical",
            ours(lambda: qcn.qfi(product)),
            closed_form(cascade, 1e-4),
        ),
        Row("the same with three noises", "qcn_open Logical", ours(lambda: qcn.qfi(noisy))),
        Row("its best Ramsey time", "qcn_open Logical", ours(lambda: best().time)),
    ]


def network_rows() -> list[Row]:
    """A thousand atoms as a tensor network: state, parity and the block-exact QFI of a product of ten levels."""
    levels = {2**j: 1 for j in range(9)} | {489: 1}
    probe, duration = qcn.Product(levels), 1e-3
    noises = (qcn.Dephasing(RATE), qcn.TrapLoss(0.2))
    model = qcn.Ramsey(probe, noises, duration)
    exact = sum((size * duration) ** 2 * math.exp(-size * (RATE + 0.2) * duration) for size in levels)
    parity = partial(qcn.cfi, model, qcn.Parity())
    work = "product of ten levels, N = 1000, dephasing and loss: "
    return [
        Row(work + "QFI", "qcn_open Logical", ours(partial(qcn.qfi, model)), exact),
        Row(work + "QFI", "qcn_open QuimbMPO", ours(partial(qcn.qfi, model, qcn.QuimbMPO())), exact),
        Row(work + "parity", "qcn_open Logical", ours(parity)),
        Row(work + "parity", "qcn_open QuimbMPO", ours(lambda: qcn.cfi(model, qcn.Parity(), qcn.QuimbMPO()))),
    ]


def symmetric_rows() -> list[Row]:
    """Coherent spins under dephasing, emission and loss together, where no peer has a lost level."""
    noises = (qcn.Dephasing(RATE), qcn.SpontaneousEmission(0.3), qcn.TrapLoss(0.2))
    return [
        Row(
            f"QFI of a coherent spin under three noises, N = {atoms}",
            "qcn_open Symmetric",
            ours(partial(qcn.qfi, qcn.Ramsey(qcn.CoherentSpin(atoms), noises, 0.2), qcn.Symmetric())),
            # Uncorrelated atoms: their information adds.
            atoms * qcn.qfi(qcn.Ramsey(qcn.Ghz(1), noises, 0.2)),
        )
        for atoms in (30, 100, 300)
    ]


def best_probe_rows(noise: str, sizes: tuple[int, ...]) -> list[Row]:
    """Best symmetric probes."""
    channel = {"dephasing": DEPHASING, "loss": LOSS}[noise]
    return [
        Row(
            f"best probe, {noise} eta = {ETA:g}, N = {atoms}",
            "qcn_open best_probe",
            ours(lambda atoms=atoms: qcn.best_probe(atoms, channel, 1.0).qfi),
        )
        for atoms in sizes
    ]


def bound_rows(atoms: int) -> list[Row]:
    """The certified upper bound on any probe's information under dephasing: gauge in closed form, and by a program."""
    model = qcn.Ramsey(qcn.Ghz(atoms), DEPHASING, 1.0)
    exact = atoms / (1.0 / atoms + (1.0 - ETA**2) / ETA**2)
    work = f"bound on any probe, dephasing eta = {ETA:g}, N = {atoms}"
    return [
        Row(work, f"qcn_open certificate, {by}", ours(lambda by=by: qcn.bounds.certificate(model, by).check()), exact)
        for by in ("closed form", "semidefinite")
    ]


def allantools_adev(y: np.ndarray, taus: np.ndarray) -> float:
    """The overlapping Allan deviation by allantools at the shortest averaging time."""
    with warnings.catch_warnings():
        # Of a package that is on its way out, and of averaging times it drops.
        warnings.simplefilter("ignore")
        import allantools

        return float(allantools.oadev(y, rate=1.0, data_type="freq", taus=taus)[1][0])


def allan_rows() -> list[Row]:
    """Overlapping Allan deviations of long records: here with confidence intervals, by allantools without."""
    rows = []
    for samples, taus, times in (
        (10**7, "octave", 2.0 ** np.arange(23)),
        (10**5, "all", np.arange(1.0, 50001.0)),
    ):
        work = f"Allan deviation of {samples:.0e} samples, taus: {taus}"
        y = np.random.default_rng(1).normal(size=samples)
        call = partial(qcn.overlapping_adev, y, 1.0, taus)
        rows += [
            Row(work, "qcn_open overlapping_adev", ours(lambda call=call: call()["sigma_y"][0])),
            Row(work, "allantools", ours(partial(allantools_adev, y, times))),
        ]
    return rows


def clock_rms(plan: qcn.Plan, cycles: int) -> float:
    """Root mean square error of the record of a clock under white noise of linewidth 1/s, rad."""
    record = qcn.run_clock(plan, qcn.Oscillator.from_linewidth(white=1.0), cycles, np.random.default_rng(1))
    return float(np.sqrt(np.mean(record.errors**2)))


def numpy_clock_rms(plan: qcn.Plan, cycles: int, grid: int = 0) -> float:
    """The same by a plain NumPy loop over cycles, in which a posterior is summed over so many points."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    import clock_loop

    cascade, tracking = plan.cascade, plan.tracking
    run = clock_loop.run(
        clock_loop.cascade(cascade.copies, cascade.nodes, cascade.uncorrelated, "multi"),
        phase_variance=plan.interrogation_time,
        gain=plan.gain,
        cycles=cycles,
        rng=np.random.default_rng(1),
        coherence=cascade.coherence,
        ensembles=[clock_loop.group(1, atoms, "multi") for atoms in tracking.atoms],
        ratios=tracking.ratios,
        grid=grid,
    )
    return float(np.sqrt(np.mean((run.estimates - run.phases) ** 2)))


def clock_rows() -> list[Row]:
    """Clocks of a thousand atoms in ten nodes, and the shortest Ramsey times of nested ones, against a NumPy loop."""
    noise = qcn.Dephasing(1e-4)
    cascade = qcn.Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240)
    nested = qcn.Plan(
        10.0,
        qcn.Cascade(uncorrelated=200, estimator=qcn.Bitwise()).decohered(noise, 10.0),
        qcn.Tracking((48, 48, 48), (4, 4, 4)),
    )
    rows = []
    for work, plan, cycles, grid in (
        ("10000 cycles of a clock, level by level", replace(cascade, estimator=qcn.Bitwise()), 10000, 0),
        ("1000 cycles of a clock, joint estimate", cascade, 1000, 1024),
        ("100 cycles of a clock, 6400 nested Ramsey times", nested, 100, 0),
    ):
        if isinstance(plan, qcn.Cascade):
            plan = qcn.Plan(0.3, plan.decohered(noise, 0.3))
        # Compiled, or read from the cache, before its time is taken.
        clock_rms(plan, 2)
        rows += [
            Row(work, "qcn_open run_clock", ours(partial(clock_rms, plan, cycles))),
            Row(work, "NumPy loop", ours(partial(numpy_clock_rms, plan, cycles, grid))),
        ]
    return rows


def import_seconds(module: str) -> dict[str, Any]:
    """Time of a fresh interpreter that imports `module`, less that of one that imports nothing; by the wall clock."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return {"time_s": min(run(f"import {module}") for _ in range(5)) - min(run("pass") for _ in range(5))}


def short_rows() -> list[Row]:
    """What `make bench` measures."""
    return [
        *ghz_rows(),
        *cascade_rows(),
        *network_rows(),
        *symmetric_rows(),
        *best_probe_rows("dephasing", (10, 50, 100, 1000)),
        *best_probe_rows("loss", (10, 50, 100, 500)),
        *bound_rows(1000),
        *allan_rows(),
        *clock_rows(),
        *(Row("import", module, partial(import_seconds, module)) for module in ("qutip", "numpy", "qcn_open")),
    ]


# --- make bench-peers ------------------------------------------------------------------------------------------------


def peer_best_probe_rows() -> list[Row]:
    """The same best probes by the peers' tensor networks: their own starts, stopping rules and, for TNQMetro, bonds."""
    rows = []
    for noise, sizes in {"dephasing": (50, 100), "loss": (50,)}.items():
        for ours_row, atoms in zip(best_probe_rows(noise, sizes), sizes, strict=True):
            work, case = ours_row.work, {"noise": noise, "atoms": atoms, "eta": ETA}
            # TNQMetro does not end from every start: at N = 50 it does from this one and does not from 0.
            rows += [
                ours_row,
                Row(work, "TNQMetro", theirs("TNQMetro", "tnqmetro_best_probe", (2,), **case)),
                Row(work, "QMetro++, bond 4", theirs("QMetro++", "qmetro_best_probe", bond=4, measure_bond=4, **case)),
            ]
    return rows


def peer_symmetric_rows() -> list[Row]:
    """Permutation-symmetric states by PIQS, with QuTiP's solver and with the exponential of its Liouvillian.

    There is no closed form for the twisted state. PIQS holds rates and coefficients in single precision (`cdef float`),
    which shows in the exponential's error of the coherent spin: it is no reference below 1e-7.
    """
    dephasing, emission = qcn.Dephasing(RATE), qcn.SpontaneousEmission(0.3)
    one_atom = qcn.Ramsey(qcn.Ghz(1), (dephasing, emission), 0.2)
    cases: dict[str, tuple[qcn.Ramsey, dict[str, float], float]] = {
        "dephased GHZ state, n = 70": (
            qcn.Ramsey(qcn.Ghz(70), dephasing, 1.0 / 70),
            {"dephasing": RATE},
            closed_form({70: 1}, 1.0 / 70),
        ),
        f"dephased one-axis-twisted state (twist {TWIST:g}), n = 70": (
            qcn.Ramsey(qcn.SpinSqueezed(70, twist=TWIST), dephasing, 0.2),
            {"dephasing": RATE, "twist": TWIST},
            math.nan,
        ),
        "coherent spin under dephasing and emission, n = 30": (
            qcn.Ramsey(qcn.CoherentSpin(30), (dephasing, emission), 0.2),
            {"dephasing": RATE, "emission": 0.3, "twist": 0.0, "runs": 5},
            30 * qcn.qfi(one_atom),
        ),
    }
    rows = []
    for work, (model, options, exact) in cases.items():
        case = {"size": model.atoms, "interrogation_time": model.time, **options}
        rows += [
            Row(f"QFI of a {work}", tool, call, exact)
            for tool, call in (
                ("qcn_open Symmetric", ours(partial(qcn.qfi, model, qcn.Symmetric()))),
                ("QuTiP PIQS", theirs("QuTiP PIQS", "piqs", **case)),
                ("QuTiP PIQS, exponentiated", theirs("QuTiP PIQS", "piqs_exponential", **case)),
            )
        ]
    return rows


def peer_bound_rows() -> list[Row]:
    """The bound as a solver returns it, and certified."""
    rows = bound_rows(1000)
    call = theirs("QMetro++", "qmetro_bound", atoms=1000, eta=ETA, runs=5)
    return [*rows, Row(rows[0].work, "QMetro++", call, rows[0].exact)]


class Product(NamedTuple):
    """One tool at one product of dephased GHZ blocks: every call is one start."""

    blocks: tuple[int, ...]
    tool: str
    phase: float
    calls: tuple[Callable[[], dict[str, Any]], ...]


def products() -> list[Product]:
    """Every tool at every product of GHZ blocks, with real and with imaginary coherences where the tool is not ours."""
    starts = {"QuanEstimation": 1, "TNQMetro": STARTS, "QMetro++": STARTS}
    found = []
    for blocks in PRODUCTS:
        model = qcn.Ramsey(qcn.Product({size: blocks.count(size) for size in blocks}), DEPHASING, 1.0)
        order = qcn.interleaved(model.probe.block_sizes(), together=2)
        for tool, backend in {
            "qcn_open Logical": qcn.Logical(),
            "qcn_open QuimbMPO": qcn.QuimbMPO(),
            "qcn_open QuimbMPO, sites interleaved": qcn.QuimbMPO(order=order),
        }.items():
            found.append(Product(blocks, tool, math.pi / 2.0, (ours(partial(qcn.qfi, model, backend)),)))
        for tool, number in starts.items() if PEERS_PYTHON.exists() else ():
            # QuanEstimation takes density matrices, and that of 31 atoms has 2^62 entries.
            if tool == "QuanEstimation" and sum(blocks) > 10:
                continue
            function = tool.lower().rstrip("+") + "_product"
            for phase in (0.0, math.pi / 2.0):
                case = {"blocks": blocks, "eta": ETA, "phase": phase}
                calls = tuple(theirs(tool, function, (seed,), **case) for seed in range(number))
                found.append(Product(blocks, tool, phase, calls))
    return found


def product_table(rows: list[Product]) -> pd.DataFrame:
    """QFI of products of dephased GHZ blocks: who gets it right.

    The information does not depend on the phase of (|g..g> + e^{i phase}|e..e>)/sqrt(2), but some answers do. `value`
    is the median over the starts, `lowest` and `highest` are their range.
    """
    found = []
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(rows))
        for row in rows:
            progress.update(task, description=f"{row.tool}: {row.blocks}")
            reports = [call() for call in row.calls]
            values = [report["value"] for report in reports]
            value, exact = statistics.median(values), product_form(row.blocks)
            found.append(
                {
                    "work": json.dumps(row.blocks),
                    "tool": row.tool,
                    "version": reports[0].get("version", qcn.__version__),
                    "ghz_phase_rad": row.phase,
                    "value": value,
                    "lowest": min(values),
                    "highest": max(values),
                    "exact": exact,
                    "relative_error": abs(value / exact - 1.0),
                    "time_s": statistics.median(report["time_s"] for report in reports),
                    "setting": reports[0].get("setting", ""),
                }
            )
            progress.advance(task)
    return pd.DataFrame(found)


def long_rows() -> list[Row]:
    """What `make bench-peers` measures, but for the products."""
    rows = [*peer_symmetric_rows(), *peer_bound_rows(), *peer_best_probe_rows()]
    if PEERS_PYTHON.exists():
        return rows
    return [row for row in rows if row.tool.startswith(("qcn_open", "QuTiP"))]


# --- tables ----------------------------------------------------------------------------------------------------------


def measured(rows: list[Row]) -> pd.DataFrame:
    """The table of the rows."""
    found = []
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(rows))
        for row in rows:
            progress.update(task, description=f"{row.tool}: {row.work}")
            report = row.call()
            value = report.get("value", math.nan)
            found.append(
                {
                    "work": row.work,
                    "tool": row.tool,
                    "version": report.get("version", qcn.__version__ if row.tool.startswith("qcn_open") else ""),
                    "time_s": report["time_s"],
                    "value": value,
                    "relative_error": abs(value / row.exact - 1.0),
                    "setting": report.get("setting", ""),
                }
            )
            progress.advance(task)
    table = pd.DataFrame(found)
    # The quickest of our own roads to a work is what a user of "auto" gets.
    best = table[table["tool"].str.startswith("qcn_open")].groupby("work")["time_s"].min()
    table.insert(6, "times_slower_than_qcn_open", table["time_s"] / table["work"].map(best))
    return table


def show(table: pd.DataFrame, title: str) -> None:
    """Print what matters of a table."""
    shown = Table("work", "tool", "time (s)", "times slower", "value", "relative error", title=title)
    for row in table.itertuples():
        error = "" if math.isnan(row.relative_error) else f"{row.relative_error:.0e}"
        slower = f"{row.times_slower_than_qcn_open:.3g}" if hasattr(row, "times_slower_than_qcn_open") else ""
        shown.add_row(row.work, row.tool, f"{row.time_s:.3g}", slower, f"{row.value:.7g}", error)
    Console(width=150).print(shown)


def write(table: pd.DataFrame, name: str) -> None:
    """Write a table at once."""
    draft = HERE / f".{name}.tmp-{os.getpid()}"
    table.to_csv(draft, index=False, float_format="%.12g")
    draft.replace(HERE / name)


def main() -> None:
    """Print and write the short table or, with --peers, the long ones."""
    if sys.argv[1:] == ["--peers"]:
        if not PEERS_PYTHON.exists():
            print(f"{PEERS_PYTHON.parts[-3]} is absent: only QuTiP is compared (make peers builds it)", file=sys.stderr)
        for name, table in (("products.csv", product_table(products())), ("peers.csv", measured(long_rows()))):
            show(table, name)
            write(table, name)
        return
    table = measured(short_rows())
    show(table, "results.csv")
    write(table, "results.csv")


if __name__ == "__main__":
    main()
