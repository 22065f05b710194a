"""`pytest.approx` without its absolute tolerance of 1e-12, which would pass any stability or faint information."""

from __future__ import annotations

from functools import partial

import pytest

approx = partial(pytest.approx, rel=1e-9, abs=0.0)
