"""`compiled`: numba's njit, kept on disk where that can be written, else compiled anew in every process.

No function that is compiled here makes an array, so none needs counted references: without them it is several times
faster. Callers keep the arrays alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on first use; a read-only install compiles without a cache."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder that can be written
        return njit(**_OPTIONS)(function)
