"""What backends return: one file for each form of a state and its derivative."""

from qcn_open.states.base import Tangent
from qcn_open.states.blocks import BlockTangent
from qcn_open.states.dense import DenseTangent, is_excited

__all__ = ["BlockTangent", "DenseTangent", "Tangent", "is_excited"]
