"""`compiled`: numba's njit, kept on disk where that can be written, else compiled anew in every process.

`inner` and `inlined` are for what only compiled functions call: compiling how Python would call them takes as long as
the rest. A call copies all tables' whereabouts, two thousand bytes of them, so what is called for every transfer is
`inlined` in its callers; what is large, or seldom called, is `inner`: every copy of it must be compiled.

No function that is compiled here makes an array, so none needs counted references: without them it is several times
faster. Callers keep the arrays alive.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba import njit

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_OPTIONS}


def stamp(folder: Traversable) -> str:
    """What all sources in a folder say."""
    said = sha256()
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".py"):
            said.update(path.name.encode() + path.read_bytes())
    return said.hexdigest()


STAMP = stamp(files(__package__))


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on first use; where no cache can be written, without one.

    What is kept holds all that the function calls in other files. numba looks whether its own file has changed; here
    it looks at all of them, or a change of the rule in one would be computed by what was kept of the old one.
    """
    try:
        made: Any = njit(cache=True, **_OPTIONS)(function)
        made._cache._impl.locator.ensure_cache_path()  # numba itself looks only when it saves, and then gives up
        made._cache._cache_file._source_stamp = STAMP
        return made
    except (RuntimeError, OSError, AttributeError):  # the last: numba keeps that elsewhere, or is told not to compile
        return njit(**_OPTIONS)(function)


inner = njit(**_INNER)
inlined = njit(forceinline=True, **_INNER)
