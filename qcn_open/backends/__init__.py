"""Ways of computing the state after an interrogation: one file each."""

from qcn_open.backends.base import Backend
from qcn_open.backends.evolved import Evolved
from qcn_open.backends.growth import Growth
from qcn_open.backends.logical import Logical
from qcn_open.backends.quimb_mpo import QuimbMPO, interleaved
from qcn_open.backends.qutip_dense import QutipDense
from qcn_open.backends.selection import AVAILABLE, Explanation, explain, select
from qcn_open.backends.symmetric import Symmetric

__all__ = [
    "AVAILABLE",
    "Backend",
    "Evolved",
    "Explanation",
    "Growth",
    "Logical",
    "QuimbMPO",
    "QutipDense",
    "Symmetric",
    "explain",
    "interleaved",
    "select",
]
