"""qcn_open: how good can a quantum network of clocks be when its atoms decohere?

One model, `Ramsey`, several independent ways of computing it (`backends`), and the quantities asked of it: `qfi`,
`cfi`, `qfim`, `optimal_time`, and the `bounds` that none of them may exceed.
"""

from qcn_open import bayes, bounds, budgets, security
from qcn_open.allan import overlapping_adev
from qcn_open.allocation import best_cascade
from qcn_open.backends import (
    Backend,
    Evolved,
    Growth,
    Logical,
    QuimbMPO,
    QutipDense,
    Symmetric,
    explain,
    interleaved,
)
from qcn_open.cascade import Cascade, Level
from qcn_open.clock import SCHEMES, Assembly, NodeRecord, Plan, Record, Tracking, run_clock, run_nodes, run_scheme
from qcn_open.estimators import Arctan2, Bitwise, Estimator, Joint, LevelPhase, MaximumLikelihood
from qcn_open.fisher import NodeInformation, cfi, qfi, qfim
from qcn_open.model import Ramsey
from qcn_open.network import Link, Network, Node
from qcn_open.noise import (
    CollectiveNoise,
    Dephasing,
    Depolarizing,
    Noise,
    PhaseDiffusion,
    Pumping,
    SpontaneousEmission,
    TrapLoss,
)
from qcn_open.operation import Accusation, NetworkRecord, Operation, Outage, run_network
from qcn_open.optimize import BestProbe, best_probe
from qcn_open.oscillator import Oscillator, centre_of_mass
from qcn_open.pairs import (
    PairSource,
    delay_phase,
    pairs_per_cycle,
    path_phase,
    purified,
    storage_coherence,
    waiting_distribution,
    waiting_time,
)
from qcn_open.preparation import Gates, GrownGhz, Perfect, Preparation, fidelity, parity_contrast
from qcn_open.priors import FlatPrior, GaussianPrior, Prior
from qcn_open.probes import (
    CoherentSpin,
    CustomState,
    Dicke,
    Ghz,
    MpsState,
    Probe,
    Product,
    SpinSqueezed,
    SymmetricState,
)
from qcn_open.ramsey import OptimalTime, bound_optimal_time, optimal_time, precision_curve
from qcn_open.readouts import CollectiveSpin, DualQuadrature, FedForward, Fringes, MultiAngle, Parity, Readout
from qcn_open.schemes import best_plan, plateau, simulate, stability
from qcn_open.security import Attack, FalseFrequency, FalseParity, Intermittent, RandomBits, SequentialTest
from qcn_open.teleportation import Local, Teleported, TeleportedGhz

__version__ = "0.1.0"

__all__ = [
    "SCHEMES",
    "Accusation",
    "Arctan2",
    "Assembly",
    "Attack",
    "Backend",
    "BestProbe",
    "Bitwise",
    "Cascade",
    "CoherentSpin",
    "CollectiveNoise",
    "CollectiveSpin",
    "CustomState",
    "Dephasing",
    "Depolarizing",
    "Dicke",
    "DualQuadrature",
    "Estimator",
    "Evolved",
    "FalseFrequency",
    "FalseParity",
    "FedForward",
    "FlatPrior",
    "Fringes",
    "Gates",
    "GaussianPrior",
    "Ghz",
    "GrownGhz",
    "Growth",
    "Intermittent",
    "Joint",
    "Level",
    "LevelPhase",
    "Link",
    "Local",
    "Logical",
    "MaximumLikelihood",
    "MpsState",
    "MultiAngle",
    "Network",
    "NetworkRecord",
    "Node",
    "NodeInformation",
    "NodeRecord",
    "Noise",
    "Operation",
    "OptimalTime",
    "Oscillator",
    "Outage",
    "PairSource",
    "Parity",
    "Perfect",
    "PhaseDiffusion",
    "Plan",
    "Preparation",
    "Prior",
    "Probe",
    "Product",
    "Pumping",
    "QuimbMPO",
    "QutipDense",
    "Ramsey",
    "RandomBits",
    "Readout",
    "Record",
    "SequentialTest",
    "SpinSqueezed",
    "SpontaneousEmission",
    "Symmetric",
    "SymmetricState",
    "Teleported",
    "TeleportedGhz",
    "Tracking",
    "TrapLoss",
    "bayes",
    "best_cascade",
    "best_plan",
    "best_probe",
    "bound_optimal_time",
    "bounds",
    "budgets",
    "centre_of_mass",
    "cfi",
    "delay_phase",
    "explain",
    "fidelity",
    "interleaved",
    "optimal_time",
    "overlapping_adev",
    "pairs_per_cycle",
    "parity_contrast",
    "path_phase",
    "plateau",
    "precision_curve",
    "purified",
    "qfi",
    "qfim",
    "run_clock",
    "run_network",
    "run_nodes",
    "run_scheme",
    "security",
    "simulate",
    "stability",
    "storage_coherence",
    "waiting_distribution",
    "waiting_time",
]
