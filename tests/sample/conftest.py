"""Lets bare `pytest` import `tests.sample`, as `python -m pytest` and `python -m tests.sample.generate` do."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
