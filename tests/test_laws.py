"""The house's laws bite: layers, doors of vendors, the pure core, declared and pinned dependencies."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

HOME = Path(__file__).parents[1]
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))

CORE = {
    "errors": set(),
    "model": set(),
    "chains": {"base58", "bech32", "eth_hash"},
    "taint": {"networkx", "numba", "numpy"},
    "detect": set(),
}


def imports(path: Path) -> set[str]:
    """The top-level packages a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"tracer"}


def core_files() -> Iterator[tuple[str, Path]]:
    """Every file of the pure core, and the part it belongs to."""
    for part in CORE:
        place = HOME / "tracer" / part
        yield from ((part, path) for path in (place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]))


def test_the_core_uses_its_own_vendors_only() -> None:
    """The pure core imports from outside only what it is allowed."""
    assert {str(path): more for part, path in core_files() if (more := imports(path) - CORE[part])} == {}


def test_the_core_asks_neither_clock_nor_file() -> None:
    """No contract can see a call: the core opens nothing and never asks what time it is."""
    asked = re.compile(r"\b(open|print|input)\(|\.(now|today|utcnow)\(")

    assert [str(path) for _, path in core_files() if asked.search(path.read_text(encoding="utf-8"))] == []


def required(names: list[str]) -> set[str]:
    """The distributions that these requirements bring, and those that they bring."""
    found: set[str] = set()
    open_ = [Requirement(name) for name in names]
    while open_:
        one = open_.pop()
        name = plain(one.name)
        extras = {"", *one.extras}
        if name in found and not one.extras:
            continue
        found.add(name)
        more = [Requirement(text) for text in requires(one.name) or ()]
        open_ += [
            each
            for each in more
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def plain(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_imported_is_declared() -> None:
    """Installed without the development tools, Tracer finds every package it imports."""
    used = set().union(*(imports(path) for path in (HOME / "tracer").rglob("*.py")))
    distributions = packages_distributions()
    declared = required(PROJECT["project"]["dependencies"])

    assert sorted(one for one in used if not declared & {plain(name) for name in distributions.get(one, ())}) == []


def test_constraints_pin_everything() -> None:
    """Every package that set-up brings is pinned, and nothing but names and versions stands there."""
    lines = (HOME / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    project = PROJECT["project"]
    needed = required(project["dependencies"] + project["optional-dependencies"]["dev"])

    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert sorted(needed - {plain(pin.partition("==")[0]) for pin in pins}) == []


CRIMES = {
    "Everything points down": ("chains/chains.py", "tracer.taint.stops"),
    "No cycles": ("store/rows.py", "tracer.store.store"),
    "Nothing in tracer knows its jobs": ("actions/trace.py", "jobs"),
    "The core does no I/O": ("model.py", "time"),
    "Vendors of the chains": ("detect/kyc.py", "eth_utils"),
    "Numbers by vendors": ("taint/flow.py", "numpy"),
    "Graphs": ("taint/flow.py", "networkx"),
    "SQL": ("app.py", "sqlalchemy"),
    "EVM nodes": ("sources/files.py", "web3"),
    "HTTP": ("sources/files.py", "httpx"),
    "The environment": ("app.py", "pydantic_settings"),
    "The terminal": ("actions/trace.py", "typer"),
    "Schedules and Spark": ("actions/trace.py", "apscheduler"),
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house, to do wrong in."""
    shutil.copytree(HOME / "tracer", tmp_path / "tracer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "pyproject.toml", tmp_path)
    return tmp_path


def verdicts(folder: Path) -> dict[str, bool]:
    """Contract -> kept, of the house in a folder."""
    tool = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([tool, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    said = re.findall(r"^(\S.*?)(?:: .*)? (KEPT|BROKEN)", ran.stdout, re.MULTILINE)
    assert said, ran.stdout + ran.stderr
    return {name: verdict == "KEPT" for name, verdict in said}


def test_every_contract_is_kept(house: Path) -> None:
    """The house keeps its contracts, and each has a crime below."""
    assert verdicts(house) == dict.fromkeys(CRIMES, True)


@pytest.mark.parametrize("contract", CRIMES)
def test_every_contract_can_break(house: Path, contract: str) -> None:
    """One forbidden import breaks its contract."""
    file, module = CRIMES[contract]
    with (house / "tracer" / file).open("a", encoding="utf-8") as out:
        out.write(f"\nimport {module}\n")

    assert not verdicts(house)[contract]


def test_a_new_module_must_be_placed(house: Path) -> None:
    """A module that no layer names breaks the first contract."""
    (house / "tracer/helpers.py").write_text("", encoding="utf-8")

    assert not verdicts(house)["Everything points down"]


def test_every_public_module_says_what_it_is() -> None:
    """Each file opens with what a reader finds in it."""
    files = [path for path in (HOME / "tracer").rglob("*.py") if path.parent.name != "versions"]

    assert [str(path) for path in files if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []
