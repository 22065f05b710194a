"""Bounds on the Fisher information about the detuning. They read the one-atom channel only, never a backend."""

from qcn_open.bounds.certificate import (
    Certificate,
    asymptotic_certificate,
    certificate,
    rate_certificate,
    semidefinite,
)
from qcn_open.bounds.channel import asymptotic_information, channel_extension
from qcn_open.bounds.escher import escher
from qcn_open.bounds.families import GaugeFamily, KrausFamily, LindbladFamily, kraus_of, lindblad_of
from qcn_open.bounds.limits import heisenberg, standard_quantum_limit
from qcn_open.bounds.sequential import asymptotic_rate, sequential

__all__ = [
    "Certificate",
    "GaugeFamily",
    "KrausFamily",
    "LindbladFamily",
    "asymptotic_certificate",
    "asymptotic_information",
    "asymptotic_rate",
    "certificate",
    "channel_extension",
    "escher",
    "heisenberg",
    "kraus_of",
    "lindblad_of",
    "rate_certificate",
    "semidefinite",
    "sequential",
    "standard_quantum_limit",
]
