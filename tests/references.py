r"""Independent references: literature formulas, brute force, and a naive bound solver.

Nothing here imports the package, so agreement with it is evidence. Three parts:

1. closed formulas for GHZ blocks, product states, parity readout and metrological bounds;
2. brute force: the full Lindblad superoperator of a few sites, built by Kronecker products, the derivative of
   the state from a block-triangular generator, and measurements enumerated outcome by outcome;
3. the finite-N channel-extension bound for any list of Kraus operators of a qubit channel.

Conventions. Site basis (g, e, lost); :math:`H = -δ\sum|e⟩⟨e|`, so an atom acquires the phase :math:`φ = δT`.
Rates are in 1/s, times in s, Fisher information about :math:`δ` in s². A GHZ block of n atoms with excited
weight p is :math:`\sqrt{1-p}\,|g…g⟩ + i\sqrt p\,|e…e⟩`, and a readout angle :math:`α` means
:math:`P(±) = \tfrac12[1 ± V\cos(nφ - α)]`. Bounds are on :math:`F_φ = F_δ/T^2`.

References
----------
.. [Huelga] S. F. Huelga et al., Phys. Rev. Lett. 79, 3865 (1997).
.. [Escher] B. M. Escher, R. L. de Matos Filho, L. Davidovich, Nature Phys. 7, 406 (2011).
.. [Demkowicz] R. Demkowicz-Dobrzański, J. Kołodyński, M. Guţă, Nature Commun. 3, 1063 (2012).
.. [Kolodynski] J. Kołodyński, R. Demkowicz-Dobrzański, New J. Phys. 15, 073043 (2013).
.. [Kielinski] T. Kielinski, P. O. Schmidt, K. Hammerer, arXiv:2406.11639 (2024).
.. [Kitagawa] M. Kitagawa, M. Ueda, Phys. Rev. A 47, 5138 (1993).
.. [Komar] P. Kómár et al., Nature Phys. 10, 582 (2014).
.. [Stam] A. J. Stam, Inf. Control 2, 101 (1959).
.. [VanLoan] C. F. Van Loan, IEEE Trans. Autom. Control 23, 395 (1978).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, sparse
from scipy.sparse.linalg import expm_multiply

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Loss = Literal["seen", "random", "dark"]


@dataclass(frozen=True)
class Rates:
    """Rates (1/s) of everything that happens to one atom, and of the phase diffusion common to all.

    Attributes
    ----------
    dephasing
        :math:`γ_i`: one atom's coherence decays as :math:`e^{-γ_i t/2}`.
    emission, pumping
        :math:`κ` from e to g, and from g to e; each damps the coherence at half its rate.
    loss
        :math:`Γ` from either level to a third, orthogonal one; survival :math:`e^{-Γt}`.
    depolarising
        r: the Bloch vector shrinks as :math:`e^{-rt}`.
    diffusion
        v in rad²/s: coherence of order m of the whole register decays as :math:`e^{-m^2vt/2}`.
    """

    dephasing: float = 0.0
    emission: float = 0.0
    pumping: float = 0.0
    loss: float = 0.0
    depolarising: float = 0.0
    diffusion: float = 0.0


# --- 1. Formulas: GHZ blocks and product states ----------------------------------------------------------


def site_populations(time: float, rates: Rates) -> Real:
    r"""Probabilities ``p[a, b]`` that an atom prepared in level b is found in level a, for a, b in (g, e).

    Two-level rate equations with up-rate :math:`u` (pumping + r/2) and down-rate :math:`d` (emission + r/2),
    times the survival: :math:`p_{ee} = e^{-ΓT}[u + d\,e^{-(u+d)T}]/(u+d)`.
    """
    up = rates.pumping + rates.depolarising / 2
    down = rates.emission + rates.depolarising / 2
    total = up + down
    moved = -np.expm1(-total * time) / total if total else 0.0
    stochastic = np.array([[1 - up * moved, down * moved], [up * moved, 1 - down * moved]])
    return float(np.exp(-rates.loss * time)) * stochastic


def site_coherence(time: float, rates: Rates) -> float:
    r"""Factor :math:`λ = \exp[-(γ_i/2 + κ/2 + κ_↑/2 + r + Γ)T]` by which one atom's coherence shrinks."""
    half = (rates.dephasing + rates.emission + rates.pumping) / 2
    return float(np.exp(-(half + rates.depolarising + rates.loss) * time))


def ghz_coherence(atoms: int, time: float, rates: Rates, excited_weight: float = 0.5) -> float:
    r"""Modulus :math:`c = \sqrt{p(1-p)}\,λ^n e^{-n^2vT/2}` of the coherence between g…g and e…e."""
    weight = np.sqrt(excited_weight * (1 - excited_weight))
    diffused = np.exp(-(atoms**2) * rates.diffusion * time / 2)
    return float(weight * site_coherence(time, rates) ** atoms * diffused)


def ghz_qfi(atoms: int, time: float, rates: Rates, excited_weight: float = 0.5) -> float:
    r"""QFI (s²) of one GHZ block, loss flagged: :math:`F_δ = 4n^2T^2c^2/w`.

    The extreme strings form a 2×2 sector of weight
    :math:`w = (1-p)(p_{gg}^n + p_{eg}^n) + p(p_{ge}^n + p_{ee}^n)` with coherence :math:`c e^{inφ}`
    (:func:`ghz_coherence`); all other strings carry no phase. Exact for any excited weight p. With emission
    alone the block is that of [Kielinski]_; with dephasing alone it is :math:`n^2T^2e^{-nγ_iT}` of [Huelga]_.
    """
    coherence = ghz_coherence(atoms, time, rates, excited_weight)
    from_ground, from_excited = (site_populations(time, rates) ** atoms).sum(axis=0)
    sector = (1 - excited_weight) * from_ground + excited_weight * from_excited
    return float(4 * (atoms * time * coherence) ** 2 / sector)


def ghz_qfi_no_jump(atoms: int, time: float, emission: float, excited_weight: float = 0.5) -> float:
    r"""QFI (s²) of a GHZ block under emission if an observer certifies that no photon was emitted.

    :math:`F_δ = 4n^2T^2\,p(1-p)q/(1-p+pq)`, :math:`q = e^{-nκT}`. This is more than the state itself holds
    (:func:`ghz_qfi`), whose g…g also contains the events in which all n atoms decayed: they add
    :math:`p(1-e^{-κT})^n` to its denominator. For such vetoes see [Kielinski]_.
    """
    survived = np.exp(-atoms * emission * time)
    p = excited_weight
    return float(4 * (atoms * time) ** 2 * p * (1 - p) * survived / (1 - p + p * survived))


def product_qfi(blocks: Mapping[int, int], time: float, rates: Rates) -> float:
    """QFI (s²) of ``blocks``, a map from block size to number of independent GHZ blocks: a sum.

    ``{1: N}`` is the product state of N uncorrelated atoms. Common phase diffusion correlates the blocks, so
    the sum holds for at most one block then.

    Raises
    ------
    ValueError
        For phase diffusion on more than one block.
    """
    if rates.diffusion and sum(blocks.values()) > 1:
        raise ValueError("common phase diffusion correlates the blocks: no closed form")
    return sum(copies * ghz_qfi(atoms, time, rates) for atoms, copies in blocks.items())


def huelga_time(block: int, rates: Rates, total_time: float = np.inf) -> float:
    r"""Interrogation time (s) that maximises F/T of GHZ blocks of n atoms (n = 1: a product state).

    :math:`F = n^2T^2e^{-n(γ_i+Γ+nv)T}` gives :math:`T = 1/[n(γ_i+Γ+nv)]`, capped at ``total_time`` (F/T
    increases up to the optimum). Phase diffusion v: for a single block only. Dephasing: [Huelga]_; loss: Γ
    replaces γ_i, as [Komar]_ says below its eq. (4).
    """
    return min(1 / (block * _exponential_decay(block, rates)), total_time)


def huelga_rate(atoms: int, block: int, rates: Rates, total_time: float = np.inf) -> float:
    r"""Best F/T (s) of ``atoms`` atoms in GHZ blocks of ``block``, at :func:`huelga_time`.

    Without a cap :math:`F/T = N/[e(γ_i+Γ+nv)]`: for v = 0 independent of the block size ([Huelga]_).
    """
    time = huelga_time(block, rates, total_time)
    return float(atoms * block * time * np.exp(-block * _exponential_decay(block, rates) * time))


def _exponential_decay(block: int, rates: Rates) -> float:
    if rates.emission or rates.pumping or rates.depolarising:
        raise ValueError("closed form for dephasing, loss and phase diffusion only")
    return rates.dephasing + rates.loss + block * rates.diffusion


# --- 1. Formulas: parity readout -------------------------------------------------------------------------


def parity_bias_and_contrast(
    atoms: int,
    time: float,
    rates: Rates,
    loss: Loss,
    detection_error: float = 0.0,
    excited_weight: float = 0.5,
) -> tuple[float, float, float]:
    r"""Probability q that the parity is informative, its bias b and its contrast V, given that.

    :math:`P(±) = \tfrac12[1 ± b ± V\cos(nφ - α)]`. Seen loss: :math:`q = e^{-nΓT}` (no atom lost),
    :math:`V = 2c/q`, b = 0. Random sign: q = 1, V = 2c, b = 0. Dark (a lost atom is read as "up"): the same
    with :math:`b = (1-e^{-ΓT})^n`, because a block of which only some atoms are left has zero mean parity.
    Each atom's reading flips with probability ε, and every mean parity shrinks by :math:`(1-2ε)^n`.
    """
    seen = float(np.exp(-atoms * rates.loss * time)) if loss == "seen" else 1.0
    read = (1 - 2 * detection_error) ** atoms
    all_lost = -np.expm1(-rates.loss * time)
    bias = float(all_lost**atoms) * read if loss == "dark" else 0.0
    contrast = 2 * ghz_coherence(atoms, time, rates, excited_weight) * read / seen
    return seen, bias, contrast


def parity_fisher(
    atoms: int,
    time: float,
    rates: Rates,
    fringe: float,
    loss: Loss,
    detection_error: float = 0.0,
    excited_weight: float = 0.5,
) -> float:
    r"""Fisher information (s²) of the parity of one GHZ block at fringe position :math:`x = nφ - α`.

    :math:`F = q\,n^2T^2V^2\sin^2x/[1 - (b + V\cos x)^2]` with :func:`parity_bias_and_contrast`. At
    :math:`V = 1, b = 0` the limit :math:`q n^2T^2` is taken at the top and foot of the fringe too.
    """
    seen, bias, contrast = parity_bias_and_contrast(atoms, time, rates, loss, detection_error, excited_weight)
    slope = contrast * np.sin(fringe)
    # 1 - (b + V cos x)² as V² sin² x + (1 - V² - b² - 2bV cos x): no cancellation at full contrast
    spread = slope**2 + (1 - contrast**2 - bias**2 - 2 * bias * contrast * np.cos(fringe))
    scale = float(seen * (atoms * time) ** 2)
    return scale * float(slope**2 / spread) if spread > 0 else scale


def parity_fisher_best(
    atoms: int,
    time: float,
    rates: Rates,
    loss: Loss,
    detection_error: float = 0.0,
    excited_weight: float = 0.5,
) -> float:
    r"""Fisher information (s²) of the parity of one GHZ block at the best readout angle.

    :math:`F = 2q n^2T^2V^2/\{1 + V^2 - b^2 + \sqrt{[1-(V+b)^2][1-(V-b)^2]}\}`, which without bias is
    :math:`q n^2T^2V^2`, at mid-fringe. Maximum over x of :func:`parity_fisher`: its stationary points obey
    :math:`bV\cos^2x - (1-b^2-V^2)\cos x + bV = 0`.
    """
    seen, bias, contrast = parity_bias_and_contrast(atoms, time, rates, loss, detection_error, excited_weight)
    root = np.sqrt(max(0.0, (1 - (contrast + bias) ** 2) * (1 - (contrast - bias) ** 2)))
    return float(2 * seen * (atoms * time * contrast) ** 2 / (1 + contrast**2 - bias**2 + root))


def parity_fisher_fixed_angle(contrast: float) -> float:
    r"""Mean over a uniformly distributed fringe position of the Fisher information about it of one parity.

    :math:`\langle V^2\sin^2x/(1-V^2\cos^2x)\rangle_x = 1 - \sqrt{1-V^2}` (elementary integral).
    """
    return float(1 - np.sqrt(1 - contrast**2))


# --- 1. Formulas: bounds ---------------------------------------------------------------------------------


def coefficient_dephasing(coherence: float) -> float:
    r"""Asymptotic QFI per atom :math:`f = η^2/(1-η^2)`, coherence :math:`η = e^{-γ_iT/2}`.

    [Escher]_; [Demkowicz]_, table 1.
    """
    return coherence**2 / (1 - coherence**2)


def coefficient_loss(survival: float) -> float:
    r"""Asymptotic QFI per atom :math:`f = η/(1-η)`, survival :math:`η = e^{-ΓT}` of both levels.

    [Escher]_; [Demkowicz]_, table 1.
    """
    return survival / (1 - survival)


def coefficient_emission(survival: float) -> float:
    r"""Asymptotic QFI per atom :math:`f = 4η/(1-η)`, :math:`η = e^{-κT}`. [Demkowicz]_, table 1."""
    return 4 * survival / (1 - survival)


def coefficient_depolarising(shrinking: float) -> float:
    r"""Asymptotic QFI per atom :math:`f = 2η^2/[(1-η)(1+2η)]`, Bloch vector shrunk by :math:`η = e^{-rT}`.

    [Demkowicz]_, table 1.
    """
    return 2 * shrinking**2 / ((1 - shrinking) * (1 + 2 * shrinking))


def coefficient_dephasing_and_loss(coherence: float, survival: float) -> float:
    r"""Asymptotic QFI per atom :math:`f = e/(1-e)`, :math:`e = η_{deph}^2η_{loss} = e^{-(γ_i+Γ)T}`.

    Both noises at once; reduces to the two single ones. Checked against :func:`channel_extension_bound`.
    """
    combined = coherence**2 * survival
    return combined / (1 - combined)


def finite_bound(atoms: int, coefficient: float) -> float:
    r"""Finite-N bound :math:`F_φ ≤ 1/[1/N^2 + 1/(Nf)]`. [Kolodynski]_; for every noise with a finite f.

    If the gauge h₀ has :math:`β(h_0) = 0` and :math:`4‖α(h_0)‖ = f`, the gauge :math:`s h_0` gives
    :math:`4N‖α‖ + 4N(N-1)‖β‖^2 = N^2(1-s)^2 + Nfs^2`, whose minimum over s this is.
    """
    return 1 / (1 / atoms**2 + 1 / (atoms * coefficient))


def bound_emission_single(survival: float) -> float:
    r"""Channel-extension bound of one use of the emission channel: :math:`F_φ = 4η/(1+\sqrt η)^2`.

    Smaller than :func:`finite_bound` at N = 1, where the best gauge has no :math:`β = 0` in it.
    [Kolodynski]_.
    """
    return float(4 * survival / (1 + np.sqrt(survival)) ** 2)


def bound_with_phase_diffusion(bound: float, phase_variance: float) -> float:
    r"""Bound on :math:`F_φ` with common Gaussian phase noise: :math:`1/F ≥ 1/F_{CE} + vT`.

    The score of the averaged likelihood is the conditional mean of :math:`a s_1 + (1-a) s_2` for any a, with
    :math:`s_1 = ∂_φ\log p(x|φ)` and :math:`s_2 = ξ/(vT)`, which are uncorrelated; hence
    :math:`F ≤ a^2F_{CE} + (1-a)^2/(vT)`, minimised over a. [Stam]_'s convolution argument.
    """
    return 1 / (1 / bound + phase_variance)


def best_bound_rate_dephasing(atoms: int) -> float:
    r"""Bound on :math:`N\,\mathrm{var}(δ)\,τ/γ_i` under dephasing, minimised over the interrogation time.

    :math:`\min_x[1/N + (e^x - 1)]/x`, :math:`x = γ_iT`; tends to 1 as N grows, which is eq. (4) of [Komar]_.
    """
    found = optimize.minimize_scalar(
        lambda x: (1 / atoms + np.expm1(x)) / x, bounds=(1e-9, 2.0), options={"xatol": 1e-12}
    )
    return float(found.fun)


def twisted_variance(atoms: int, twist: float, time: float, dephasing: float) -> float:
    r"""Variance (rad²/s²) of one estimate of δ from a linear spin readout of a one-axis-twisted state.

    :math:`e^{-iμJ_z^2/2}` on the coherent spin along x, rotated about x until the squeezed quadrature is J_y:
    :math:`\langle J_x\rangle = \tfrac N2\cos^{N-1}\tfrac μ2`,
    :math:`V = \tfrac N4\{1 + \tfrac{N-1}4[A - \sqrt{A^2+B^2}]\}`, :math:`A = 1 - \cos^{N-2}μ`,
    :math:`B = 4\sin\tfrac μ2\cos^{N-2}\tfrac μ2` ([Kitagawa]_). Dephasing turns V into
    :math:`ηV + (1-η)N/4` and :math:`\langle J_x\rangle^2` into :math:`η\langle J_x\rangle^2`,
    :math:`η = e^{-γ_iT}`.
    """
    spin = atoms / 2 * np.cos(twist / 2) ** (atoms - 1)
    a = 1 - np.cos(twist) ** (atoms - 2)
    b = 4 * np.sin(twist / 2) * np.cos(twist / 2) ** (atoms - 2)
    squeezed = atoms / 4 * (1 + (atoms - 1) / 4 * (a - np.hypot(a, b)))
    kept = np.exp(-dephasing * time)
    return float((kept * squeezed + (1 - kept) * atoms / 4) / (kept * (spin * time) ** 2))


# --- 1. Published and previously computed numbers --------------------------------------------------------

BOUND_DEPHASING = {2: 2.72269, 10: 29.88930, 100: 408.884}
"""Bound on F_φ under dephasing, coherence 0.9, by N (physics.md §3, five decimals as printed there)."""

BOUND_LOSS = {10: 47.36842}
"""Bound on F_φ under loss, survival 0.9, by N (physics.md §3)."""

BOUND_EMISSION = {10: 78.26087}
"""Bound on F_φ under emission, population survival 0.9, by N (physics.md §3)."""

BOUND_RATE_DEPHASING = {10: 1.47943, 100: 1.14472, 1000: 1.04505}
"""Bound on N·var(δ)·τ/γ_i under dephasing at the best time, by N (physics.md §3)."""

BEST_SYMMETRIC_QFI_DEPHASING = {2: 2.62440, 3: 4.78297, 4: 6.89191, 5: 8.98828}
"""Best F_φ of ancilla-free symmetric probes, dephasing, coherence 0.9, by N (physics.md §3; lower bounds)."""

BEST_SYMMETRIC_QFI_EMISSION = {2: 3.56919, 3: 7.63173, 4: 12.81632}
"""Best F_φ of ancilla-free symmetric probes, emission, survival 0.9, by N (physics.md §3; lower bounds)."""

BEST_RATE_OVER_PRODUCT = {2: 1.06680, 3: 1.11449, 4: 1.15285}
"""Best F/T of symmetric probes in units of N/(eγ_i) under dephasing, by N ([Huelga]_; physics.md §3)."""

TWISTED_RATE = {2: 2.61450, 10: 2.21294, 100: 1.59152}
"""N·var·τ/γ_i of one-axis twisting under dephasing at the best twist and time, by N (physics.md §3)."""

SINGLE_ATOM_LOSS_FISHER = {"seen": 0.80, "random": 0.64, "dark": 0.80}
"""F_φ of the best parity readout of one atom that survives with probability 0.8 (physics.md §2)."""


# --- 2. Brute force: states and Lindblad evolution -------------------------------------------------------


def jump_operators(rates: Rates, levels: int) -> list[Complex]:
    """Jump operators of one site in the basis (g, e, lost), the square roots of the rates included."""
    if levels not in (2, 3) or (rates.loss and levels == 2):
        raise ValueError("a site has two levels, or three if atoms can be lost")
    g, e, lost = np.eye(3, dtype=complex)
    weighted = [
        (rates.dephasing, np.outer(e, e)),
        (rates.emission, np.outer(g, e)),
        (rates.pumping, np.outer(e, g)),
        (rates.loss, np.outer(lost, g)),
        (rates.loss, np.outer(lost, e)),
        (rates.depolarising / 4, np.outer(e, g) + np.outer(g, e)),
        (rates.depolarising / 4, 1j * np.outer(e, g) - 1j * np.outer(g, e)),
        (rates.depolarising / 4, np.outer(e, e) - np.outer(g, g)),
    ]
    return [np.sqrt(rate) * jump[:levels, :levels] for rate, jump in weighted if rate]


def on_site(operator: Complex, site: int, sites: int) -> sparse.csr_array:
    """``operator`` on one site of a register, the identity on the others."""
    identity = sparse.eye_array(len(operator), dtype=complex)
    factors = [sparse.csr_array(operator) if k == site else identity for k in range(sites)]
    return sparse.csr_array(reduce(lambda left, right: sparse.kron(left, right), factors))


def excitations(members: Sequence[int], sites: int, levels: int) -> sparse.csr_array:
    r"""Operator :math:`\sum_{k\in members}|e⟩⟨e|_k`, the number of excited atoms among ``members``."""
    excited = np.diag([0.0, 1.0, 0.0][:levels]).astype(complex)
    return sum(
        (on_site(excited, site, sites) for site in members),
        start=sparse.csr_array((levels**sites, levels**sites), dtype=complex),
    )


def commutator_superoperator(operator: sparse.csr_array) -> sparse.csr_array:
    r"""Matrix of :math:`ρ ↦ i[A, ρ]` on row-major vectors, :math:`i(A⊗1 - 1⊗A^T)`."""
    identity = sparse.eye_array(operator.shape[0], dtype=complex)
    return sparse.csr_array(1j * (sparse.kron(operator, identity) - sparse.kron(identity, operator.T)))


def dissipator_superoperator(jump: sparse.csr_array) -> sparse.csr_array:
    r"""Matrix of :math:`ρ ↦ LρL^† - \tfrac12\{L^†L, ρ\}` on row-major vectors."""
    identity = sparse.eye_array(jump.shape[0], dtype=complex)
    decay = jump.conj().T @ jump
    loss = sparse.kron(decay, identity) + sparse.kron(identity, decay.T)
    return sparse.csr_array(sparse.kron(jump, jump.conj()) - loss / 2)


@dataclass(frozen=True)
class Evolved:
    """State after the interrogation, and its derivative with respect to the detuning of each node (s)."""

    rho: Complex
    derivatives: tuple[Complex, ...]
    levels: int

    @property
    def common(self) -> Complex:
        """Derivative with respect to a detuning common to all nodes."""
        return np.sum(self.derivatives, axis=0)


def evolve(
    state: Complex,
    levels: int,
    time: float,
    rates: Rates,
    detunings: Sequence[float] = (0.0,),
    nodes: Sequence[Sequence[int]] | None = None,
) -> Evolved:
    r"""Evolve a state and differentiate it, by brute force.

    :math:`\exp\{[[L, 0], [∂L/∂δ_k, L]]T\}` acts on (ρ, 0) and gives (ρ(T), ∂ρ(T)/∂δ_k), whether or not noise
    and signal commute ([VanLoan]_). Collective phase diffusion is the jump :math:`\sqrt v\sum|e⟩⟨e|`.

    Parameters
    ----------
    state
        State vector, shape ``(levels**sites,)``, or density matrix.
    levels
        2, or 3 with the lost level.
    detunings
        One value in rad/s for each node.
    nodes
        Sites of each node; by default one node has them all.
    """
    sites = round(np.log(len(state)) / np.log(levels))
    nodes = [range(sites)] if nodes is None else nodes
    numbers = [excitations(members, sites, levels) for members in nodes]
    signals = [commutator_superoperator(number) for number in numbers]
    generator = 0 * signals[0]
    for detuning, signal in zip(detunings, signals, strict=True):
        generator = generator + detuning * signal
    for jump in jump_operators(rates, levels):
        for site in range(sites):
            generator = generator + dissipator_superoperator(on_site(jump, site, sites))
    if rates.diffusion:
        everyone = excitations(range(sites), sites, levels)
        generator = generator + dissipator_superoperator(np.sqrt(rates.diffusion) * everyone)
    initial = np.outer(state, state.conj()) if state.ndim == 1 else state
    rho, derivatives = initial, []
    for signal in signals:
        augmented = sparse.block_array([[generator, None], [signal, generator]], format="csr")
        final = expm_multiply(augmented * time, np.concatenate([initial, 0 * initial]).ravel())
        rho, derivative = final.reshape(2, *initial.shape)
        derivatives.append(derivative)
    return Evolved(rho, tuple(derivatives), levels)


def ghz_state(atoms: int, levels: int, excited_weight: float = 0.5) -> Complex:
    r"""State vector of :math:`\sqrt{1-p}\,|g…g⟩ + i\sqrt p\,|e…e⟩`; kron several for a product of blocks."""
    g, e = np.eye(levels, dtype=complex)[:2]
    grounded = np.sqrt(1 - excited_weight) * reduce(np.kron, [g] * atoms)
    return grounded + 1j * np.sqrt(excited_weight) * reduce(np.kron, [e] * atoms)


def grown_ghz(
    schedule: Sequence[Sequence[tuple[int, int]]],
    levels: int,
    depolarising: float = 0.0,
    dephasing: float = 0.0,
    loss: float = 0.0,
    waiting: float = 0.0,
) -> Complex:
    """Density matrix after a circuit of CNOTs with errors, every operator a matrix on all atoms.

    Parameters
    ----------
    schedule
        Layers of gates (control, target); atom 0 is the first.
    """
    sites = 1 + max(target for layer in schedule for _, target in layer)
    there = np.diag([1.0, 1.0, 0.0][:levels])
    lost = np.eye(levels) - there
    x, z = np.zeros((2, levels, levels))
    x[0, 1] = x[1, 0] = z[0, 0] = 1.0
    z[1, 1] = -1.0
    paulis = [there + lost, x + lost, x @ z + lost, z + lost]  # x z is y up to a factor

    def on(operator: Complex, site: int) -> sparse.csr_array:
        return on_site(operator.astype(complex), site, sites)

    def kraus(rho: Complex, *operators: sparse.csr_array) -> Complex:
        return np.asarray(sum((k @ (k @ rho).conj().T).conj().T for k in operators))

    def flip(rho: Complex, site: int, probability: float) -> Complex:
        return (1.0 - probability) * rho + probability * kraus(rho, on(paulis[3], site))

    rho = np.zeros((levels**sites,) * 2, dtype=complex)
    first = levels ** (sites - 1)
    rho[np.ix_([0, first], [0, first])] = np.array([[0.5, -0.5j], [0.5j, 0.5]])
    entangled = {0}
    for layer in schedule:
        for control, target in layer:
            excited = np.diag([0.0, 1.0, 0.0][:levels])
            rest = np.eye(levels) - excited
            rho = kraus(rho, on(rest, control) + on(excited, control) @ on(paulis[1], target))
            errors = [on(a, control) @ on(b, target) for a in paulis for b in paulis][1:]
            rho = (1.0 - depolarising) * rho + depolarising / 15.0 * kraus(rho, *errors)
            for site in (control, target):
                rho = flip(rho, site, dephasing)
                if loss:
                    leave = [np.sqrt(loss) * np.outer(np.eye(3)[2], np.eye(3)[level]) for level in (0, 1)]
                    rho = kraus(rho, *(on(jump, site) for jump in [*leave, np.sqrt(1.0 - loss) * there + lost]))
        busy = {site for gate in layer for site in gate}
        for site in entangled - busy:
            rho = flip(rho, site, waiting)
        entangled |= busy
    return rho


def coherent_spin_state(atoms: int, levels: int) -> Complex:
    r"""State vector of N atoms in :math:`(|g⟩ + |e⟩)/\sqrt2`, a spin along x."""
    g, e = np.eye(levels, dtype=complex)[:2]
    return reduce(np.kron, [(g + e) / np.sqrt(2)] * atoms)


def collective_spin(sites: int, levels: int) -> tuple[Complex, Complex, Complex]:
    r"""Collective :math:`J_x, J_y, J_z` on the levels (g, e), x the direction of :math:`(|g⟩ + i|e⟩)/\sqrt2`."""
    g, e = np.eye(levels, dtype=complex)[:2]
    single = [
        1j * np.outer(e, g) - 1j * np.outer(g, e),
        np.outer(e, g) + np.outer(g, e),
        np.outer(e, e) - np.outer(g, g),
    ]
    x, y, z = (sum(on_site(axis / 2, site, sites).toarray() for site in range(sites)) for axis in single)
    return x, y, z


def dicke_state(atoms: int, levels: int, excited: int) -> Complex:
    """Normalised sum of all strings of g and e with ``excited`` times e."""
    g, e = np.eye(levels, dtype=complex)[:2]
    state = sum(
        reduce(np.kron, [e if letter else g for letter in word])
        for word in product((0, 1), repeat=atoms)
        if sum(word) == excited
    )
    return state / np.linalg.norm(state)


def tilted_dicke_state(atoms: int, levels: int, excited: int, tilt: float) -> Complex:
    """A Dicke state turned about x by ``tilt``."""
    x, _, _ = collective_spin(atoms, levels)
    return linalg.expm(-1j * tilt * x) @ dicke_state(atoms, levels, excited)


def squeezed_state(atoms: int, levels: int, twist: float) -> Complex:
    r"""One-axis twisted spins turned about x by the angle that makes the variance of J_y least, found by eigenvectors.

    [Kitagawa]_ The covariance matrix of (J_y, J_z) has its least variance along an eigenvector, which is turned to y.
    """
    x, y, z = collective_spin(atoms, levels)
    g, e = np.eye(levels, dtype=complex)[:2]
    state = linalg.expm(-0.5j * twist * z @ z) @ reduce(np.kron, [(g + 1j * e) / np.sqrt(2)] * atoms)
    mean = [[np.vdot(state, (a @ b + b @ a) @ state).real / 2 for b in (y, z)] for a in (y, z)]
    along_y, along_z = np.linalg.eigh(mean)[1][:, 0]
    # exp(i nu J_x) J_y exp(-i nu J_x) = J_y cos(nu) - J_z sin(nu)
    return linalg.expm(1j * np.arctan2(along_z, along_y) * x) @ state


# --- 2. Brute force: Fisher information ------------------------------------------------------------------


def qfi_matrix(rho: Complex, derivatives: Sequence[Complex], tolerance: float = 1e-13) -> Real:
    r"""QFI matrix :math:`F_{ab} = 2\sum_{λ_i+λ_j>0}\mathrm{Re}(D^a_{ij}\overline{D^b_{ij}})/(λ_i+λ_j)`.

    D is a derivative in the eigenbasis of ρ, which solves the Lyapunov equation :math:`2D = Λρ + ρΛ` of the
    symmetric logarithmic derivative. Pairs with :math:`λ_i+λ_j` at most ``tolerance`` are dropped.
    """
    values, vectors = np.linalg.eigh((rho + rho.conj().T) / 2)
    sums = values[:, None] + values[None, :]
    weights = np.divide(2.0, sums, out=np.zeros_like(sums), where=sums > tolerance)
    rotated = np.array([vectors.conj().T @ derivative @ vectors for derivative in derivatives])
    return np.real(np.einsum("aij,ij,bij->ab", rotated, weights, rotated.conj()))


def qfi(evolved: Evolved) -> float:
    """QFI (s²) about a detuning common to all nodes."""
    return float(qfi_matrix(evolved.rho, [evolved.common])[0, 0])


def site_povm(axis: float, levels: int, loss: Loss, detection_error: float = 0.0) -> dict[str, Complex]:
    r"""Effects of one atom measured along :math:`\cosθ\,σ_x + \sinθ\,σ_y`; "up" is :math:`|g⟩ + e^{iθ}|e⟩`.

    A lost atom is an outcome of its own ("seen"), reads "up" or "down" at random, or always reads "up"
    ("dark"). Then "up" and "down" are exchanged with probability ``detection_error``.
    """
    up = np.zeros((levels, levels), dtype=complex)
    up[:2, :2] = np.array([[1, np.exp(-1j * axis)], [np.exp(1j * axis), 1]]) / 2
    down = np.diag([1.0, 1.0, 0.0][:levels]) - up
    lost = np.diag([0.0, 0.0, 1.0][:levels]).astype(complex)
    share = {"seen": 0.0, "random": 0.5, "dark": 1.0}[loss]
    if loss != "seen":
        up, down = up + share * lost, down + (1 - share) * lost
    kept = 1 - detection_error
    effects = {"up": kept * up + detection_error * down, "down": kept * down + detection_error * up}
    return effects | {"lost": lost} if loss == "seen" and levels == 3 else effects


def product_cfi(
    evolved: Evolved,
    povms: Sequence[Mapping[str, Complex]],
    label: Callable[[tuple[str, ...]], Hashable],
    tolerance: float = 1e-14,
) -> float:
    r"""Fisher information (s²) of site-by-site measurements of which only ``label(outcome)`` is kept.

    Every outcome is enumerated, its effect is the explicit Kronecker product of the sites' effects, and
    :math:`F = \sum(\partial P)^2/P` over the labels with probability above ``tolerance``.
    """
    totals: dict[Hashable, Real] = defaultdict(lambda: np.zeros(2))
    for outcome in product(*povms):
        effect = reduce(np.kron, [povm[name] for povm, name in zip(povms, outcome, strict=True)])
        pair = [np.vdot(effect, evolved.rho).real, np.vdot(effect, evolved.common).real]
        totals[label(outcome)] += pair
    return sum(float(slope**2 / p) for p, slope in totals.values() if p > tolerance)


def parity_cfi(
    evolved: Evolved,
    blocks: Sequence[int],
    angles: Sequence[float],
    loss: Loss,
    detection_error: float = 0.0,
) -> float:
    r"""Fisher information (s²) of the parities of consecutive blocks of the given sizes.

    A block of n atoms with readout angle α is measured atom by atom along :math:`θ = (α + π/2)/n`, and its
    outcome is the product of the signs, or that an atom is seen to be lost.
    """
    povms = [
        site_povm((angle + np.pi / 2) / size, evolved.levels, loss, detection_error)
        for size, angle in zip(blocks, angles, strict=True)
        for _ in range(size)
    ]
    edges = np.cumsum([0, *blocks])

    def label(outcome: tuple[str, ...]) -> Hashable:
        parts = [outcome[a:b] for a, b in pairwise(edges)]
        return tuple("lost" if "lost" in part else part.count("down") % 2 for part in parts)

    return product_cfi(evolved, povms, label)


def counts_cfi(evolved: Evolved, sites: int, angle: float, loss: Loss, detection_error: float = 0.0) -> float:
    r"""Fisher information (s²) of the number of atoms read "up", and with seen loss of the number lost.

    Every atom is measured along :math:`θ = α`: one atom of a coherent spin state gives
    :math:`P(up) = \tfrac12(1 + \cos(φ - α))`.
    """
    povm = site_povm(angle, evolved.levels, loss, detection_error)
    return product_cfi(evolved, [povm] * sites, lambda outcome: (outcome.count("up"), outcome.count("lost")))


# --- 3. Channel-extension bound --------------------------------------------------------------------------


def kraus_operators(time: float, rates: Rates, tolerance: float = 1e-15) -> Complex:
    """Kraus operators, shape (k, 3, 2), of one atom that enters in (g, e), from the Choi matrix.

    The one-site generator is exponentiated as a dense matrix; phase diffusion, being common, is left out.
    """
    jumps = [dissipator_superoperator(sparse.csr_array(jump)) for jump in jump_operators(rates, 3)]
    channel = linalg.expm(time * sum(jumps, start=sparse.csr_array((9, 9), dtype=complex)).toarray())
    outputs_inputs = channel.reshape(3, 3, 3, 3)[:, :, :2, :2]
    choi = outputs_inputs.transpose(0, 2, 1, 3).reshape(6, 6)
    values, vectors = np.linalg.eigh((choi + choi.conj().T) / 2)
    kept = values > tolerance
    return (vectors[:, kept] * np.sqrt(values[kept])).T.reshape(-1, 3, 2)


@dataclass(frozen=True)
class ExtensionBound:
    """Two-sided result: the bound on F_φ lies between ``lower`` and ``upper``, both rigorous up to rounding.

    ``upper`` is the objective at the Hermitian ``gauge``, ``lower`` the dual value.
    """

    lower: float
    upper: float
    gauge: Complex


def channel_extension_bound(kraus: Complex, uses: int, starts: int = 2, seed: int = 0) -> ExtensionBound:
    r"""Solve :math:`\min_h 4[N‖α_h‖ + N(N-1)‖β_h‖^2]` for a qubit channel, assuming no symmetry.

    The phase :math:`e^{iφ|e⟩⟨e|}` acts before the channel: :math:`\dot K = iK|e⟩⟨e|`,
    :math:`\dot{\tilde K} = \dot K - ihK`, :math:`α = \sum\dot{\tilde K}^†\dot{\tilde K}`,
    :math:`β = \sum\dot{\tilde K}^†K` ([Escher]_, [Demkowicz]_, [Kolodynski]_). The norms are maxima over
    states ρ and σ, and min and max commute (Sion): the dual
    :math:`\max_{ρ,σ}\min_h 4[N\,\mathrm{tr}ρα + N(N-1)\,\mathrm{tr}σβ^†β]` has a linear least-squares problem
    inside and two Bloch vectors outside, for SLSQP.

    Parameters
    ----------
    kraus
        Shape (k, d, 2): linearly independent Kraus operators from (g, e) to d levels.
    uses
        Number N of uses of the channel.
    starts
        Number of starting points, the first at maximally mixed ρ and σ.
    """
    count = len(kraus)
    steps = np.einsum("mkl,lij->mkij", -1j * _hermitian_basis(count), kraus)
    bare = 1j * kraus @ np.diag([0.0, 1.0])
    bare_beta, step_betas = _beta(bare, kraus), np.array([_beta(step, kraus) for step in steps])

    def best_gauge(bloch: Real) -> tuple[float, Real]:
        alpha_root = np.sqrt(uses) * _state_root(bloch[:3])
        beta_root = np.sqrt(uses * (uses - 1)) * _state_root(bloch[3:])
        columns = np.array(
            [_stack(step @ alpha_root, b @ beta_root) for step, b in zip(steps, step_betas, strict=True)]
        ).T
        target = -_stack(bare @ alpha_root, bare_beta @ beta_root)
        coordinates = np.linalg.lstsq(columns, target)[0]
        return 4 * float(np.sum((columns @ coordinates - target) ** 2)), coordinates

    def alpha_and_beta(coordinates: Real) -> tuple[Complex, Complex]:
        moved = bare + np.tensordot(coordinates, steps, 1)
        beta = bare_beta + np.tensordot(coordinates, step_betas, 1)
        return uses * _beta(moved, moved), uses * (uses - 1) * beta.conj().T @ beta

    def negative_dual(bloch: Real) -> tuple[float, Real]:
        value, coordinates = best_gauge(bloch)
        gradient = [np.trace(pauli @ part).real for part in alpha_and_beta(coordinates) for pauli in _PAULI]
        return -value / scale, -2 * np.array(gradient) / scale

    scale = best_gauge(np.zeros(6))[0]
    rng = np.random.default_rng(seed)
    lower, upper, gauge = 0.0, np.inf, np.zeros((count, count), dtype=complex)
    # a pure state leaves its best gauge undetermined: smaller Bloch balls fix it, at a cost of that order
    for radius, start in product((1.0, 1 - 1e-9, 1 - 1e-7), range(starts)):
        found = optimize.minimize(
            negative_dual,
            rng.uniform(-0.5, 0.5, 6) if start else np.zeros(6),
            jac=True,
            method="SLSQP",
            constraints={
                "type": "ineq",
                "fun": lambda r, edge: [edge - r[:3] @ r[:3], edge - r[3:] @ r[3:]],
                "jac": lambda r, _: -2 * linalg.block_diag(r[:3], r[3:]),
                "args": (radius**2,),
            },
            options={"ftol": 1e-15, "maxiter": 1000},
        )
        value, coordinates = best_gauge(found.x)
        objective = 4 * sum(float(np.linalg.eigvalsh(part)[-1]) for part in alpha_and_beta(coordinates))
        lower = max(lower, value)
        if objective < upper:
            upper, gauge = objective, np.tensordot(coordinates, _hermitian_basis(count), 1)
    return ExtensionBound(lower, upper, gauge)


_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def _hermitian_basis(dimension: int) -> Complex:
    unit = np.eye(dimension**2).reshape(dimension, dimension, dimension, dimension)
    basis = [unit[i, i] for i in range(dimension)]
    for i in range(dimension):
        for j in range(i):
            basis += [unit[i, j] + unit[j, i], 1j * unit[i, j] - 1j * unit[j, i]]
    return np.array(basis, dtype=complex)


def _beta(derivative: Complex, kraus: Complex) -> Complex:
    return np.einsum("kji,kjl->il", derivative.conj(), kraus)


def _state_root(bloch: Real) -> Complex:
    """Matrix R with R R† the state of a Bloch vector, which is shortened to 1 if it is longer."""
    bloch = bloch / max(1.0, float(np.linalg.norm(bloch)))
    values, vectors = np.linalg.eigh((np.eye(2) + np.tensordot(bloch, _PAULI, 1)) / 2)
    return vectors * np.sqrt(np.clip(values, 0.0, None))


def _stack(*arrays: Complex) -> Real:
    flat = np.concatenate([array.ravel() for array in arrays])
    return np.concatenate([flat.real, flat.imag])
