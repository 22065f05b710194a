"""GHZ states grown by imperfect gates, of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.noise import generator, is_covariant, one_site
from qcn_open.noise.base import EXCITED, GROUND
from qcn_open.preparation import Grown
from qcn_open.states import BlockTangent

__all__ = ["Growth"]

_LARGEST = 1e300


@dataclass(frozen=True)
class Growth(Backend):
    r"""Grown GHZ states, exactly: gate by gate and atom by atom, without a tensor network.

    All coherence of a `GrownGhz` is between g...g and e...e, as is that of a `TeleportedGhz` unless bits may be wrong
    or halves of pairs lost, and phase-covariant noise keeps it there. What the Fisher information needs are the
    populations of these two states, each a mean of a product over the atoms.

    Examples
    --------
    >>> from qcn_open import Dephasing, GrownGhz, Ramsey, qfi
    >>> model = Ramsey(GrownGhz(1000, "tree", depolarizing=1e-4), Dephasing(1e-3), time=0.1)
    >>> round(qfi(model, Growth()), 3)
    7919.67
    """

    def refusal(self, model: Ramsey) -> str | None:
        """Why the model is not one GHZ state that was grown."""
        if not isinstance(model.probe, Grown):
            return f"{model.probe!r} is not a GrownGhz or TeleportedGhz"
        if not model.probe.is_one_fringe:
            return f"{model.probe!r} is also coherent between states that have a node upside down"
        if not is_covariant(generator(model.local_noise)):
            return "its noise is not phase-covariant"
        return None

    def evolve(self, model: Ramsey) -> BlockTangent:
        """The block after the interrogation."""
        self.require(model)
        probe = cast(Grown, model.probe)
        site = one_site(model.local_noise, model.time)
        transfer, survival = np.exp(site.log_transfer), np.exp(site.log_survival)
        weights = probe.log_mean_product(
            np.array([[*transfer[GROUND], 0.0], [*transfer[EXCITED], 0.0], [*survival, 0.0], [*site.loss, 1.0]])
        )
        coherence = np.log(0.5) + probe.log_contrast + probe.atoms * site.log_coherence.real
        turned = np.pi if probe.contrast < 0.0 else 0.0
        # Differences between infinities are no numbers.
        logarithms = np.clip([[*weights, coherence]], -_LARGEST, 0.0)
        return BlockTangent(
            sizes=np.array([probe.atoms]),
            copies=np.array([1]),
            log_ground=logarithms[:, 0],
            log_excited=logarithms[:, 1],
            log_coherence=logarithms[:, 4],
            angle=np.array([probe.atoms * (model.phase + site.log_coherence.imag) + turned]),
            log_survival=logarithms[:, 2],
            log_all_lost=logarithms[:, 3],
            source_weights=None,
            loss=site.loss,
            common_phase_variance=model.common_phase_variance,
        )
