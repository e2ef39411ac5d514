"""Docs say what the code does, and the house's laws bite.

`python -m tests.test_house` prints the README's commands as the code has them.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from jobs.schedule import SCHEDULE
from tracer import model
from tracer.actions import demo
from tracer.actions.feed import FEEDS
from tracer.cli import EXITS, INTERRUPTED, app
from tracer.detect.kyc import POLICY
from tracer.detect.patterns import DETECTORS
from tracer.detect.reports import BUSY
from tracer.detect.rules import RULES, UNSURE
from tracer.detect.successors import low_kyc_of
from tracer.exports.formats import FORMATS
from tracer.exports.person import assets_of, flag_lines
from tracer.model import Limits
from tracer.registry import Registry, shipped
from tracer.settings import Settings, SourceSettings, shown
from tracer.sources.files import LABELS, REPORTS
from tracer.sources.transfers import COLUMNS
from tracer.taint.methods import DEFAULT_METHOD, METHODS, POISON
from tracer.taint.stops import STOPS

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))


# --- reading the README -----------------------------------------------------------------------------------------------


def section(title: str) -> str:
    """What stands under a heading of the README."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def table(title: str, number: int = 0) -> list[list[str]]:
    """The rows of a section's table, without head, marks and backquotes."""
    tables = re.findall(r"(?:^\|.*\n)+", section(title), re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number].splitlines()]
    return [[re.sub(r"[`*]", "", cell) for cell in row] for row in rows[2:]]


def block(text: str) -> str:
    """The first fenced block of a text."""
    found = re.search(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, "no fenced block"
    return found[1]


# --- commands ---------------------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its help and options, as the README shows them."""
    return "".join(_shown(words, command) for words, command in _walk(("tracer",), get_command(app)))


def _walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", {})
    if not inner or words == ("tracer",):
        yield words, command
    for name, one in inner.items():
        yield from _walk((*words, name), one)


def _shown(words: tuple[str, ...], command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and "--help" not in param.opts]
    lines = [" ".join([*words, *(one.metavar or one.name.upper() for one in arguments)]), f"    {command.help}"]
    lines += [f"      {_option(one):32}{one.help}" for one in options if "--json" not in one.opts]
    return "\n".join(lines) + "\n"


def _option(param: Any) -> str:
    long = next(name for name in param.opts if name.startswith("--"))
    return long if param.is_flag else f"{long} {long.lstrip('-').replace('-', '_').upper()}"


def test_commands_are_in_the_readme() -> None:
    """The README's commands are those of --help; `python -m tests.test_house` prints what to put there."""
    assert commands() == block(section("Commands"))


def test_every_command_and_option_has_help() -> None:
    """Nobody has to guess what a word does."""
    silent = [
        " ".join((*words, *getattr(one, "opts", ())))
        for words, command in _walk(("tracer",), get_command(app))
        for one in (command, *(param for param in command.params if param.param_type_name == "option"))
        if not one.help
    ]

    assert silent == []


# --- tables -----------------------------------------------------------------------------------------------------------


def test_settings() -> None:
    """Every setting is in the table, with its variable and its default."""
    defaults = {"actor": "the login name"}
    rows = [row for row in shown(Settings()) if not row.name.startswith("sources")]
    expected = [
        [row.name, f"TRACER_{row.name.upper().replace('.', '__')}", defaults.get(row.name) or row.value] for row in rows
    ]

    assert expected == [row[:3] for row in table("Settings")]


def test_sources() -> None:
    """Every key of a source is told, with its default."""
    fields = SourceSettings.model_fields
    expected = [
        [name, "" if field.is_required() or field.default is None else str(field.default)]
        for name, field in fields.items()
    ]

    assert expected == [row[:2] for row in table("Settings", 1)]


def test_stops() -> None:
    """The table of stops is STOPS."""
    assert [[str(category), str(stop or "none")] for category, stop in STOPS.items()] == table("Stops")


def test_hub() -> None:
    """The hub's limits are those of the model."""
    limits = Limits()

    words = f"more than {limits.hub_counterparties} others within {limits.hub_window.days} days after taint"
    assert words in section("Stops")


def test_unsure_labels() -> None:
    """The confidence below which a flag says that its label is unsure is the rules' one."""
    assert f"it is below {UNSURE}." in section("Labels: which claim counts")


def test_the_readme_says_what_each_method_assumes() -> None:
    """The table is METHODS, a sentence each, and no text that a person reads makes a range of them."""
    assert [[name, method.says] for name, method in METHODS.items()] == table("Methods")
    assert all(method.says.startswith("Assumes that ") and method.says.count(".") == 1 for method in METHODS.values())
    for written in (HOME / "README.md", *(HOME / "tracer" / "exports").glob("*.py")):
        assert not re.search(r"between [\d{].* and ", written.read_text(encoding="utf-8")), written


def test_rules() -> None:
    """The table of rules is RULES."""
    assert [[rule.name, str(rule.severity), rule.says] for rule in RULES.values()] == table("Flags")


def test_detectors() -> None:
    """The table of patterns has every detector, and no figure was left out."""
    rows = table("Patterns")
    assert [*DETECTORS] == [row[0] for row in rows]
    assert [] == [row for row in rows if not (0 <= float(row[2]) <= 1 and 0 <= float(row[3]) <= 0.01)]


def _plainly(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{value.days} days"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    assert isinstance(value, Decimal | int)
    return str(value)


def test_policy() -> None:
    """The low-KYC policy's names and values are POLICY's."""
    expected = [[name, _plainly(getattr(POLICY, name))] for name in POLICY.__dataclass_fields__]

    assert expected == [row[:2] for row in table("What counts as low-KYC")]


def test_answers_of_the_registry() -> None:
    """How many shipped services are low-KYC, are not, or unknown is counted anew."""
    expected = []
    registry = Registry(shipped()[0])
    for day in ("2026-11-21", "2023-06-01"):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        for kind in ("exchange", "p2p_exchange", "instant_swapper"):
            answers = Counter(
                str(low_kyc_of(one, registry.entity_of, at).answer) for one in shipped()[0] if one.kind == kind
            )
            counts = (answers.total(), answers["yes"], answers["no"], answers["unknown"])
            expected.append([day, kind, *map(str, counts)])

    assert expected == table("What counts as low-KYC", 1)


def test_exit_codes() -> None:
    """Every class of EXITS stands beside its code, and no other."""
    rows = table("Exit codes")
    expected: dict[int, set[str]] = {0: set(), 1: set(), INTERRUPTED: set()}
    for kind, code in EXITS.items():
        expected.setdefault(code, set()).add(kind.__name__)

    assert expected == {int(code): set(re.findall(r"[A-Z]\w+", words)) for code, words in rows}


def test_columns_of_files() -> None:
    """The columns a file may have are those its reader takes."""
    readers = {"transfers": COLUMNS, "labels": LABELS, "reports": REPORTS}
    expected = [[name, ",".join(one.known), ",".join(sorted(one.optional))] for name, one in readers.items()]

    assert expected == table("Files you bring")


def test_feeds() -> None:
    """The table of feeds is FEEDS, and the bound on busy addresses is the one in force."""
    assert [[feed.name, feed.what, feed.licence] for feed in FEEDS.values()] == table("Feeds")
    assert f"dealt with more than {BUSY} others" in section("Quarantine")


def test_formats() -> None:
    """The table of formats is FORMATS, and --help names them."""
    assert [[name, one.says] for name, one in FORMATS.items()] == table("Exports")
    assert f"      {'--format FORMAT':32}{', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}." in commands()


# --- words ------------------------------------------------------------------------------------------------------------

DESIGNED = re.findall(
    r"\w+",
    "chain asset amount address transaction transfer kind pot lot origin report case taint method trace hop path "
    "frontier source page checkpoint coverage label entity fact exposure flag listed screening actor",
)
ELSEWHERE = {"AssetId": "asset", "OriginSpec": "origin", "Limits": "limit", "CaseState": "case", "FlagState": "flag"}
SMALL = {"Answer", "Sum"}  # said in full in the entries of judgement and taint


def test_glossary() -> None:
    """Every designed word, and every class of the model, has its line."""
    words = [row[0] for row in table("Glossary")]
    classes = {name for name, one in vars(model).items() if getattr(one, "__module__", "") == model.__name__}
    classes = {name for name in classes if name[0].isupper()} - SMALL

    assert sorted({*DESIGNED, *(ELSEWHERE.get(name, name.lower()) for name in classes)} - {*words}) == []
    assert len(words) == len({*words})


def test_words_of_enums() -> None:
    """Where the glossary lists what a word may be, it lists all of it."""
    listed = {row[0]: set(re.findall(r"\w+", row[1])) for row in table("Glossary")}

    for word, values in {
        "kind": {*model.Kind},
        "role": {*model.Role},
        "severity": {*model.Severity},
        "flag": {*model.FlagState},
        "method": {*METHODS, POISON},
    }.items():
        assert set() == {str(value) for value in values} - listed[word], word
    assert f"{DEFAULT_METHOD} (default)" in dict((row[0], row[1]) for row in table("Glossary"))["method"]


# --- what the README shows runs ---------------------------------------------------------------------------------------


@cache
def sample() -> demo.Demo:
    """The demo, run once."""
    return demo.run(None, lambda line: None)


def test_the_picture_is_real() -> None:
    """The flag at the top of the README is one that the demo prints, line by line."""
    picture = block(README).splitlines()
    assets = assets_of(sample().document)

    assert any(picture == list(flag_lines(flag, assets))[: len(picture)] for flag in sample().document["flags"])


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's Python prints a line for each of the demo's flags."""
    monkeypatch.chdir(tmp_path)
    code = block(section("The same in Python"))

    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own README

    expected = [f"{flag['severity']} {flag['rule']} {flag['entity']}" for flag in sample().document["flags"]]
    assert expected == [line.rsplit(" ", 2)[0] for line in capsys.readouterr().out.splitlines()]


def test_the_test_command() -> None:
    """CI takes its test command from here."""
    assert block(section("Tests")) == "make test\n"


def test_six_words() -> None:
    """The Makefile knows the six words and no other."""
    makefile = (HOME / "Makefile").read_text(encoding="utf-8")

    assert re.findall(r"^([a-z]+):", makefile, re.MULTILINE) == ["setup", "check", "test", "bench", "demo", "serve"]


def test_changelog() -> None:
    """What is not released yet is said, one sentence a line."""
    changelog = (HOME / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)

    assert unreleased
    lines = [line for line in unreleased[1].splitlines() if line and not line.startswith("### ")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"- [A-Z`].*\.", line)] == []


if __name__ == "__main__":
    print(commands(), end="")


def test_jobs() -> None:
    """The schedule's rows are told as they are."""
    expected = [[name, f"{job.every_seconds:g} s", job.says] for name, job in SCHEDULE.items()]

    assert expected == table("Standing jobs")
