"""The command line, ``qcn``: designs and simulations of your own network; studies, ledger and paper of the repository.

Everything heavy is imported by the command that needs it. What was asked for goes to the standard output, or whole into
files; progress goes to a terminal only. A bad input ends as one sentence and exit status 2, an interrupt as status 130;
neither leaves a half-written file.
"""

from qcn_open.cli import networks, repository
from qcn_open.cli.base import app

__all__ = ["app", "networks", "repository"]
