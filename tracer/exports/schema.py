"""The JSON Schema (2020-12) of the canonical case document, as it ships."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def schema() -> dict[str, Any]:
    """The schema of `tracer.case/1`: strict, so that a member it does not name is an error."""
    text = files("tracer.exports").joinpath("case.schema.json").read_text(encoding="utf-8")
    made: dict[str, Any] = json.loads(text)
    return made
