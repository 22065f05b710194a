"""What backends return: one file for each form of a state and its derivative."""

from qcn_open.states.base import Tangent
from qcn_open.states.blocks import BlockTangent
from qcn_open.states.dense import DenseTangent, is_excited
from qcn_open.states.network import NetworkTangent
from qcn_open.states.symmetric import SymmetricTangent, negligible

__all__ = ["BlockTangent", "DenseTangent", "NetworkTangent", "SymmetricTangent", "Tangent", "is_excited", "negligible"]
