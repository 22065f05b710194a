"""Bounds on the Fisher information about the detuning. They read the one-atom channel only, never a backend."""

from qcn_open.bounds.channel import asymptotic_information, channel_extension
from qcn_open.bounds.escher import escher
from qcn_open.bounds.limits import heisenberg, standard_quantum_limit

__all__ = ["asymptotic_information", "channel_extension", "escher", "heisenberg", "standard_quantum_limit"]
