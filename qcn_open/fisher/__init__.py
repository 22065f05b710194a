"""Fisher information about the detuning: one file for each form of a state."""

from qcn_open.fisher import blocks, dense, network, symmetric
from qcn_open.fisher.functionals import cfi, qfi
from qcn_open.fisher.nodes import NodeInformation, qfim

__all__ = ["NodeInformation", "blocks", "cfi", "dense", "network", "qfi", "qfim", "symmetric"]
