"""The package against its peers on identical work, in one run: times, ratios and errors.

The work is the quantum Fisher information of dephasing atoms. Peers are QuTiP's two ways: the Lindblad equation of
all atoms (`mesolve`) and that of permutation-symmetric ones (PIQS). Errors are relative to the closed form of
Huelga et al. (1997), n^2 T^2 exp(-n gamma T), or its sum over blocks, evaluated here.

Run with `make bench`. Writes benchmarks/results.csv.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

import qcn_open as qcn

RATE = 1.0
HERE = Path(__file__).parent


def closed_form(copies: dict[int, int], interrogation_time: float) -> float:
    """Sum of n^2 T^2 exp(-n gamma T) over the blocks, s^2."""
    return sum(
        number * (size * interrogation_time) ** 2 * math.exp(-size * RATE * interrogation_time)
        for size, number in copies.items()
    )


def sld_qfi(rho: np.ndarray, derivative: np.ndarray) -> float:
    """Quantum Fisher information of the phase, for peers that have a solver but no such function."""
    weight, basis = np.linalg.eigh(rho)
    rotated = basis.conj().T @ derivative @ basis
    pair = np.add.outer(weight, weight)
    return float(np.sum(2.0 * np.abs(rotated) ** 2 / np.where(pair > 1e-14, pair, np.inf)))


def mesolve(size: int, interrogation_time: float) -> float:
    """QuTiP's Lindblad solver with its default options, on all 2^n levels."""
    import qutip

    def on(operator: qutip.Qobj, atom: int) -> qutip.Qobj:
        return qutip.tensor([operator if other == atom else qutip.qeye(2) for other in range(size)])

    ghz = (qutip.tensor([qutip.basis(2, 0)] * size) + 1j * qutip.tensor([qutip.basis(2, 1)] * size)).unit()
    jumps = [0.5 * math.sqrt(RATE) * on(qutip.sigmaz(), atom) for atom in range(size)]
    number = sum(on(qutip.num(2), atom) for atom in range(size))
    rho = qutip.mesolve(0 * number, ghz, [0.0, interrogation_time], c_ops=jumps).final_state
    return interrogation_time**2 * sld_qfi(rho.full(), (1j * (number * rho - rho * number)).full())


def piqs(size: int, interrogation_time: float) -> float:
    """PIQS with QuTiP's default options, on the Dicke blocks."""
    import qutip
    from qutip.piqs.piqs import Dicke, ghz, jspin

    # PIQS dephases with sigma_z/2 at its rate, so one atom's coherence decays at half of it, as here.
    liouvillian = Dicke(N=size, dephasing=RATE).liouvillian()
    rho = qutip.mesolve(liouvillian, ghz(size), [0.0, interrogation_time]).final_state
    spin = jspin(size, "z")
    return interrogation_time**2 * sld_qfi(rho.full(), (1j * (spin * rho - rho * spin)).full())


def seconds(call: Callable[[], float], runs: int = 5) -> tuple[float, float]:
    """Shortest of several runs after a first one that is not counted, and the value."""
    best, value = math.inf, call()
    for _ in range(runs):
        start = time.perf_counter()
        value = call()
        best = min(best, time.perf_counter() - start)
    return best, value


def import_seconds(module: str) -> float:
    """Wall time of a fresh interpreter that imports `module`, less that of one that imports nothing."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return min(run(f"import {module}") for _ in range(5)) - min(run("pass") for _ in range(5))


def rows() -> list[dict[str, object]]:
    """Every comparison."""
    cascade = {2**j: 12 for j in range(16)}
    noises = (qcn.Dephasing(RATE), qcn.SpontaneousEmission(0.3), qcn.TrapLoss(0.2))
    found: list[dict[str, object]] = []

    def add(work: str, name: str, call: Callable[[], float], exact: float) -> None:
        best, value = seconds(call)
        found.append({"work": work, "tool": name, "time_s": best, "relative_error": abs(value / exact - 1.0)})

    peers: list[tuple[str, Callable[[int, float], float], tuple[int, ...]]] = [
        ("QuTiP mesolve", mesolve, (6, 8)),
        ("QuTiP PIQS", piqs, (20, 50)),
    ]
    for name, peer, sizes in track(peers, description="peers", console=Console(stderr=True)):
        for size in sizes:
            duration = 1.0 / (size * RATE)
            model = qcn.Ramsey(qcn.Ghz(size), qcn.Dephasing(RATE), duration)
            work, exact = f"QFI of a dephased GHZ state, n = {size}", closed_form({size: 1}, duration)
            add(work, name, partial(peer, size, duration), exact)
            add(work, "qcn_open Logical", partial(qcn.qfi, model), exact)
            if size <= 8:
                add(work, "qcn_open QutipDense", partial(qcn.qfi, model, qcn.QutipDense()), exact)
    product = qcn.Ramsey(qcn.Product(cascade), qcn.Dephasing(RATE), 1e-4)
    add("QFI of 16 levels x 12 copies", "qcn_open Logical", lambda: qcn.qfi(product), closed_form(cascade, 1e-4))
    noisy = qcn.Ramsey(qcn.Product(cascade), noises, 1e-4)
    best, _ = seconds(lambda: qcn.qfi(noisy))
    found.append({"work": "the same with three noises", "tool": "qcn_open Logical", "time_s": best})
    best, _ = seconds(lambda: qcn.optimal_time(qcn.Product(cascade), noises).rate)
    found.append({"work": "its best Ramsey time", "tool": "qcn_open Logical", "time_s": best})
    modules = ("qutip", "numpy", "qcn_open")
    found += [{"work": "import", "tool": module, "time_s": import_seconds(module)} for module in modules]
    return found


def main() -> None:
    """Print the table and write it."""
    frame = pd.DataFrame(rows())
    ours = frame[frame["tool"].isin(["qcn_open Logical", "qcn_open"])].set_index("work")["time_s"]
    frame["times_slower_than_qcn_open"] = frame["time_s"] / frame["work"].map(ours)
    table = Table("work", "tool", "time (s)", "times slower", "relative error", title="Quantum Fisher information")
    for row in frame.itertuples():
        error = "" if math.isnan(row.relative_error) else f"{row.relative_error:.0e}"
        table.add_row(row.work, row.tool, f"{row.time_s:.3g}", f"{row.times_slower_than_qcn_open:.3g}", error)
    Console(width=110).print(table)
    frame.to_csv(HERE / "results.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
