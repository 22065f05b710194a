"""``python -m qcn_open`` is the command ``qcn``."""

from qcn_open.cli import app

if __name__ == "__main__":
    app(prog_name="qcn")
