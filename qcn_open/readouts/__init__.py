"""What is measured at the end of an interrogation: one file each."""

from qcn_open.readouts.base import Loss, Probabilities, Readout
from qcn_open.readouts.collective import CollectiveSpin
from qcn_open.readouts.fringes import DualQuadrature, FedForward, Fringes, MultiAngle
from qcn_open.readouts.parity import Parity

__all__ = [
    "CollectiveSpin",
    "DualQuadrature",
    "FedForward",
    "Fringes",
    "Loss",
    "MultiAngle",
    "Parity",
    "Probabilities",
    "Readout",
]
