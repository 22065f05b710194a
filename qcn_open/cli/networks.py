"""Commands about a network of one's own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qcn_open.cli.base import (
    SCHEMES,
    Destination,
    Format,
    FormatOption,
    NetworkFile,
    Output,
    SchemeOption,
    Seed,
    Tau,
    choice,
    command,
    progress,
)

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from qcn_open.clock import Plan
    from qcn_open.designer import Design
    from qcn_open.network import Network

__all__ = ["bounds", "design", "explain", "report", "simulate", "species"]

_PANEL = "Your network"
_IMPROVEMENTS = 8


@command(_PANEL, "qcn design examples/three_nodes.toml --tau 10")
def design(
    network: NetworkFile,
    tau: Tau = 1.0,
    kind: FormatOption = None,
    output: Output = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the design report, too.")] = None,
) -> None:
    """Find the best scheme, allocation, readout and time, what limits them, and what would improve them.

    CSV on the standard output is the table of stability; --output FOLDER writes every table.
    """
    from qcn_open.storage import write_atomically

    destination = Destination(output, kind)
    page = None if report is None else _page(report)
    found = _designed(network, tau)
    files = {} if page is None else {page: _report(found)}
    destination.write(_design_tables(found), *_design_view(found), command="design", network=str(network), tau_s=tau)
    write_atomically(files)


@command(_PANEL, "qcn report examples/three_nodes.toml -o design.html")
def report(
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="The page to write.")] = Path(
        "design.html"
    ),
    tau: Tau = 1.0,
) -> None:
    """Write the design report: one HTML page with figures that needs nothing else."""
    from qcn_open.storage import write_atomically

    page = _page(output)
    write_atomically({page: _report(_designed(network, tau))})
    typer.echo(f"wrote {page}", err=True)


@command(_PANEL, "qcn simulate examples/three_nodes.toml --scheme quantum-alone")
def simulate(
    network: NetworkFile,
    scheme: SchemeOption = "best",
    tau: Tau = 1.0,
    cycles: Annotated[int, typer.Option(min=8, help="Cycles of each record.")] = 20_000,
    repeats: Annotated[int, typer.Option(min=1, help="Independent records.")] = 8,
    seed: Seed = 1,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where finished records are kept; by default a folder in qcn-runs/."),
    ] = None,
    kind: FormatOption = None,
    output: Output = None,
) -> None:
    """Simulate the closed loop in the time domain: independent records, pooled, beside the budget.

    Every finished record is kept: after an interrupt the same command goes on.
    """
    from qcn_open import repeats as records
    from qcn_open import sweep
    from qcn_open.limits import limits
    from qcn_open.network import Network
    from qcn_open.output import on_screen

    destination = Destination(output, kind)
    Destination(run or Path("qcn-runs"), Format.csv)
    clocks = Network.from_toml(network)
    chosen, budget = _scheme(clocks, scheme, tau)
    plan = records.records(network, chosen, tau=tau, cycles=cycles, repeats=repeats, seed=seed)
    folder = run or Path("qcn-runs", f"{network.stem}-{records.digest(plan)}")
    done = 0

    def note(finished: int, total: int, what: str) -> None:
        nonlocal done
        done = finished
        show(finished, total, f"{chosen}, {cycles} cycles each")

    try:
        with progress("records") as show:
            table = records.pooled(sweep.run(plan, folder, note))
    except KeyboardInterrupt:
        kept = f"{done} of {repeats} records are kept in {folder}, and the same command goes on from there"
        raise KeyboardInterrupt(kept) from None
    # The same plan, repeated: its variance falls as 1/tau.
    table["budget_sigma_y"] = budget["sigma_y"] * (tau / table["tau_s"]) ** 0.5
    table["bound_sigma_y"] = limits(clocks, table["tau_s"].tolist(), [chosen])["bound_sigma_y"]
    title = f"{chosen}, best at {tau:g} s: {repeats} records of {cycles} cycles, 95 % intervals"
    destination.write(
        {"simulation": table},
        _titled(clocks, title),
        on_screen(table),
        command="simulate",
        network=str(network),
        scheme=chosen,
        tau_s=tau,
        cycles=cycles,
        repeats=repeats,
        seed=seed,
    )


@command(_PANEL, "qcn bounds examples/three_nodes.toml --tau 1 --tau 100")
def bounds(
    network: NetworkFile,
    tau: Annotated[
        list[float] | None,
        typer.Option(metavar="SECONDS", help="Averaging time τ; may be given several times. [default: 1]"),
    ] = None,
    kind: FormatOption = None,
    output: Output = None,
) -> None:
    """Say what no choice of states, times and readouts gets below, with these atoms and their decoherence."""
    from qcn_open.limits import limits
    from qcn_open.network import Network
    from qcn_open.output import on_screen

    destination = Destination(output, kind)
    clocks = Network.from_toml(network)
    table = limits(clocks, sorted(tau or [1.0]))
    title = "What no clock of a scheme gets below"
    destination.write(
        {"bounds": table}, _titled(clocks, title), on_screen(table), command="bounds", network=str(network)
    )


@command(_PANEL, "qcn explain examples/three_nodes.toml --scheme quantum-alone")
def explain(network: NetworkFile, scheme: SchemeOption = "best", tau: Tau = 1.0) -> None:
    """Say in plain sentences what one cycle does, who holds which atoms, and what limits it."""
    from qcn_open.cli.sentences import cycle, network_line, why_not_longer
    from qcn_open.limits import limits
    from qcn_open.network import Network

    clocks = Network.from_toml(network)
    chosen, row = _scheme(clocks, scheme, tau)
    found = "is the most stable scheme" if scheme == "best" else "is the scheme"
    sigma, bound = row["sigma_y"], float(limits(clocks, tau, [chosen])["bound_sigma_y"].iloc[0])
    for sentence in (
        network_line(clocks),
        f"At τ = {tau:g} s {chosen} {found}: {SCHEMES[chosen]}.",
        *cycle(clocks, chosen, _plans(clocks, chosen, tau)),
        why_not_longer(row["limited_by"]),
        f"σ_y({tau:g} s) is then {sigma:.3g}, {sigma / bound:.3g} times what no such clock gets below.",
    ):
        typer.echo(sentence)


@command(_PANEL, "qcn species Sr")
def species(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One species, with sources.", autocompletion=lambda: [])
    ] = None,
    atoms: Annotated[int, typer.Option(help="Atoms N of the network.")] = 10_000,
    tau: Tau = 1.0,
    kind: FormatOption = None,
    output: Output = None,
) -> None:
    """List clock species, and what the two laws of the proposal give for N atoms: its eqs. (3) and (4)."""
    from dataclasses import asdict

    import pandas as pd

    from qcn_open.output import number, on_screen
    from qcn_open.species import decoherence_limited_stability, heisenberg_stability, known_species

    destination = Destination(output, kind)
    known = known_species()
    chosen = known if name is None else {name: known[choice("species", name, tuple(known))]}
    table = pd.DataFrame(
        {
            "species": one.name,
            "transition": one.transition,
            "frequency_hz": one.frequency_hz,
            "linewidth_hz": one.linewidth_hz,
            "lifetime_s": one.lifetime_s,
            "heisenberg_sigma_y": heisenberg_stability(one.frequency_hz, atoms, tau),
            "decoherence_limited_sigma_y": decoherence_limited_stability(
                one.frequency_hz, atoms, one.linewidth_hz, tau
            ),
            **{key: value for key, value in asdict(one).items() if key.endswith("source") or key == "note"},
        }
        for one in chosen.values()
    )
    laws = f"σ_y({tau:g} s) of {atoms} atoms: eq. (3), before decoherence; eq. (4), limited by the linewidth"
    if name is None:
        columns = {"heisenberg_sigma_y": "eq. (3)", "decoherence_limited_sigma_y": "eq. (4)"}
        shown = table.drop(columns=["transition", "frequency_source", "linewidth_source", "note"]).rename(
            columns=columns
        )
        view: list[RenderableType] = [on_screen(shown), laws]
    else:
        view = _entries({str(column): number(value) for column, value in table.iloc[0].items()})
    destination.write({"species": table}, *view, command="species", atoms=atoms, tau_s=tau)


def _designed(network: Path, tau: float) -> Design:
    from qcn_open import designer
    from qcn_open.network import Network

    clocks = Network.from_toml(network)
    with progress("designing") as show:
        return designer.design(clocks, tau, progress=show)


def _report(found: Design) -> bytes:
    from qcn_open.report import design_report

    return design_report(found).encode()


def _page(path: Path) -> Path:
    """The page to write, if its place can be written."""
    if path.suffix != ".html":
        raise ValueError(f"a report is one HTML page: {path} must end with .html")
    Destination(path, Format.table)
    return path


def _scheme(network: Network, scheme: str, tau: float) -> tuple[str, Mapping[Hashable, Any]]:
    """The scheme that is meant, and its row of `stability`."""
    from qcn_open.schemes import stability

    if scheme != "best":
        chosen = choice("scheme", scheme, ("best", *SCHEMES))
        return chosen, stability(network, chosen, [tau]).to_dict("records")[0]
    rows, refusal = {}, None
    with progress("comparing schemes") as show:
        for number, one in enumerate(SCHEMES):
            show(number, len(SCHEMES), f"comparing schemes: {one}")
            try:
                rows[one] = stability(network, one, [tau]).to_dict("records")[0]
            except ValueError as error:
                # Some schemes are not for this network: too few atoms, or pairs.
                refusal = error
    if not rows:
        assert refusal is not None
        raise refusal
    best = min(rows, key=lambda one: rows[one]["sigma_y"])
    return best, rows[best]


def _plans(network: Network, scheme: str, tau: float) -> list[Plan]:
    """The plan of each clock."""
    from qcn_open.schemes import best_plan

    if scheme != "quantum-classical":
        return [best_plan(network, scheme, tau)]
    return [best_plan(network.joint(number), "quantum-alone", tau) for number in range(len(network.nodes))]


def _titled(network: Network, title: str) -> str:
    return f"{network.name}: {title}" if network.name else title


def _entries(entries: Mapping[str, str]) -> list[RenderableType]:
    """Names and values below one another."""
    from rich.table import Table

    from qcn_open.output import header

    table = Table.grid(padding=(0, 2))
    for name, value in entries.items():
        table.add_row(header(name), value)
    return [table]


def _plan_table(found: Design) -> pd.DataFrame:
    import pandas as pd

    from qcn_open.cli.sentences import plan_rows

    return pd.DataFrame(plan_rows(found.network, found.scheme, found.plans))


def _design_tables(found: Design) -> dict[str, pd.DataFrame]:
    """All tables of a design, by name."""
    return {
        "stability": found.stability,
        "plans": _plan_table(found),
        "front": found.front,
        "bounds": found.bounds,
        "budget": found.budget,
        "improvements": found.improvements,
        "epr_front": found.epr_front,
    }


def _design_view(found: Design) -> list[RenderableType]:
    """A design for people, in 80 columns."""
    from qcn_open.cli.sentences import network_line, why_not_longer
    from qcn_open.output import on_screen

    at_tau = found.stability[found.stability["tau_s"] == found.tau].sort_values("sigma_y")
    sigma = float(at_tau["sigma_y"].iloc[0])
    bounds = found.bounds[found.bounds["tau_s"] == found.tau]
    short = {"interrogation_time_s": "T (s)", "cycle_time_s": "cycle (s)", "uncorrelated_atoms": "alone"}
    tables = {
        "What each clock does": _plan_table(found).rename(columns=short),
        f"Schemes at τ = {found.tau:g} s": at_tau[["scheme", "sigma_y", "interrogation_time_s", "limited_by"]].rename(
            columns=short
        ),
        "Bounds, and the design in units of them": bounds.drop(columns=["holds_for", "tau_s"]).assign(
            design=sigma / bounds["sigma_y"]
        ),
        "What the variance is made of": found.budget,
        "What one step of improvement buys: σ_y falls by the gain": found.improvements.head(_IMPROVEMENTS),
        "The most stable scheme at each averaging time": found.front[["tau_s", "scheme", "sigma_y", "bound_sigma_y"]],
    }
    rates: list[RenderableType] = []
    if len(found.epr_front) > 1:
        rates = [on_screen(found.epr_front, f"Stability at τ = {found.tau:g} s against the rate of entangled pairs")]
    elif len(found.network.nodes) > 1:
        rates = [f"At τ = {found.tau:g} s no rate of entangled pairs makes a shared cascade the better choice."]
    return [
        network_line(found.network),
        f"At τ = {found.tau:g} s {found.scheme} is the most stable scheme: {SCHEMES[found.scheme]}.",
        f"σ_y = {sigma:.3g}. {why_not_longer(found.limited_by)}\n",
        *(on_screen(table, title) for title, table in tables.items() if len(table)),
        *rates,
    ]
