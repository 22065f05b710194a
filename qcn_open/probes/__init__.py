"""Input states: one file for each family."""

from qcn_open.probes.base import GhzBlocks, Probe
from qcn_open.probes.custom import CustomState
from qcn_open.probes.ghz import CoherentSpin, Ghz, Product
from qcn_open.probes.network import MpsState
from qcn_open.probes.symmetric import Dicke, SpinSqueezed, SymmetricState

__all__ = [
    "CoherentSpin",
    "CustomState",
    "Dicke",
    "Ghz",
    "GhzBlocks",
    "MpsState",
    "Probe",
    "Product",
    "SpinSqueezed",
    "SymmetricState",
]
