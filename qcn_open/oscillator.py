r"""Frequency noise of a laser."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Oscillator"]


@dataclass(frozen=True)
class Oscillator:
    r"""White, flicker and random-walk frequency noise, one-sided spectrum of the angular frequency (rad/s)^2/Hz

    .. math:: S_\omega(f) = s_0 + s_{-1}/f + s_{-2}/f^2

    Parameters
    ----------
    white : float, optional
        :math:`s_0`, rad^2/s: :math:`2\gamma_{LO}` for white noise of linewidth gamma_LO.
    flicker : float, optional
        :math:`s_{-1}`, rad^2/s^2: :math:`\gamma_{LO}^2`.
    random_walk : float, optional
        :math:`s_{-2}`, rad^2/s^3.
    """

    white: float = 0.0
    flicker: float = 0.0
    random_walk: float = 0.0
