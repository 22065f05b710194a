"""Noise channels: one file each, everything derived from their jump operators."""

from qcn_open.noise.base import CollectiveNoise, Noise, RateNoise, together, transition
from qcn_open.noise.dephasing import Dephasing
from qcn_open.noise.depolarizing import Depolarizing
from qcn_open.noise.emission import Pumping, SpontaneousEmission
from qcn_open.noise.loss import TrapLoss
from qcn_open.noise.phase_diffusion import PhaseDiffusion
from qcn_open.noise.site import OneSite, channel, generator, is_covariant, one_site

__all__ = [
    "CollectiveNoise",
    "Dephasing",
    "Depolarizing",
    "Noise",
    "OneSite",
    "PhaseDiffusion",
    "Pumping",
    "RateNoise",
    "SpontaneousEmission",
    "TrapLoss",
    "channel",
    "generator",
    "is_covariant",
    "one_site",
    "together",
    "transition",
]
