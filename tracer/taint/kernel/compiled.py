"""`compiled`: numba's njit, kept on disk where that can be written, else compiled anew in every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on first use; a read-only install compiles without a cache."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no folder that can be written
        return njit(error_model="numpy")(function)
