"""YAML from outside: no aliases, no deep nesting, no huge file, so that a small file cannot take the machine down."""

from __future__ import annotations

from typing import Any, BinaryIO

import yaml

from tracer.errors import InputError

LARGEST = 64 << 20  # bytes
DEPTH = 16  # of nesting
_EVENTS: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def load(content: BinaryIO, name: str, loader: Any) -> Any:
    """What a YAML file holds, made by `loader`. Raises InputError naming the file and what is wrong with it."""
    raw = content.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise InputError(f"{name} is larger than {LARGEST >> 20} MiB: split it")
    try:
        _check(raw, name)
        return yaml.load(raw, Loader=loader)  # noqa: S506 - the callers' loaders make plain values only
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise InputError(f"{name} is no YAML: {wrong}") from wrong


def _check(raw: bytes, name: str) -> None:
    depth = 0
    for event in yaml.parse(raw, Loader=_EVENTS):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise InputError(f"{name} is nested too deeply: no file of this kind needs it")
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise InputError(f"{name}, line {line}: aliases are not read: write the value out")
