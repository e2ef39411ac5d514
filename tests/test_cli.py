"""The commands as they are typed: what they answer, with which exit code, and that no error is a traceback."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tests.exports.hostile import HOSTILE
from tracer.actions.case import open_case
from tracer.actions.intake import import_entities, import_labels, import_transfers
from tracer.actions.trace import trace
from tracer.cli import EXITS, app, exit_code, main
from tracer.errors import BadRows, RangeTooLarge, StoreError, TracerError, UnknownMethod
from tracer.exports.document import digest
from tracer.exports.formats import FORMATS
from tracer.store.store import Store

THIEF = "eip155:1:0x5f76893a1ee250158d5B4442FbA9b56516b67052"
MULE = "eip155:1:0x2e0913318b4AD18a5b0e47858085a12da8659311"
PASSWORD = "s3cretW0rd"  # noqa: S105 - of nothing


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its answer: one JSON object on one line, with a schema of ours."""
        (line,) = self.out.splitlines()
        answer: dict[str, Any] = json.loads(line)
        assert answer["schema"].startswith("tracer.")
        assert answer["schema"].endswith("/1")
        return answer


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `tracer` with these words, in a folder of its own, by its own `main`: anything but an exit is a failure."""
    for name in [name for name in os.environ if name.startswith("TRACER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRACER_ACTOR", "ana")
    monkeypatch.chdir(tmp_path)

    def run_(*words: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tracer", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)

    return run_


def command(*words: str | Path) -> list[str]:
    """The same as a process of its own."""
    return [sys.executable, "-m", "tracer", *map(str, words)]


@pytest.fixture(scope="module")
def sample() -> Iterator[Path]:
    """The folder with the sample case's files."""
    with as_file(files("sample_data")) as folder:
        yield folder


@pytest.fixture(scope="module")
def filled(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample case, traced, and an open case that was not."""
    path = tmp_path_factory.mktemp("cli") / "tracer.db"
    with Store.open(f"sqlite:///{path}") as store:
        import_entities(store, sample / "entities.yaml", "ana")
        import_labels(store, sample / "labels.csv", "ana")
        import_transfers(store, sample / "transfers.csv", "ana")
        open_case(store, "sample", "ana", report_file=sample / "reports.csv")
        open_case(store, "untraced", "ana", report_ids=["invented-1"])
        trace(store, "sample", "ana")
    return path


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """A copy of it as `tracer.db` in the folder in which commands run."""
    shutil.copy(filled, tmp_path / "tracer.db")
    return tmp_path


def a_flag(run: Run) -> str:
    """The id of a flag."""
    flag: str = run("flags", "--json").json["items"][0]["id"]
    return flag


# --- every command ----------------------------------------------------------------------------------------------------


def leaves(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command there is."""
    known: Any = group or get_command(app)
    for name, one in known.commands.items():
        if isinstance(one, TyperGroup):
            yield from leaves(one, (*words, name))
        else:
            yield (*words, name), one


LEAVES = list(leaves())


@pytest.mark.parametrize(("words", "one"), LEAVES, ids=[" ".join(words) for words, _ in LEAVES])
def test_every_command_says_what_it_does(run: Run, words: tuple[str, ...], one: TyperCommand) -> None:
    """`--help` answers; every command but `export`, which writes a file, has `--json`; every option says what it is."""
    ran = run(*words, "--help")

    assert ran.code == 0
    assert ran.out.strip()
    options = {option for parameter in one.params for option in parameter.opts}
    assert ("--json" in options) is (words != ("export",))
    assert [parameter.name for parameter in one.params if not getattr(parameter, "help", None)] == []


READING = {
    "settings": "settings",
    "db status": "tracer.status/1",
    "db upgrade": "tracer.status/1",
    "case list": "tracer.cases/1",
    "case show sample": "tracer.case_summary/1",
    "case show untraced": "tracer.case_summary/1",
    "flags": "tracer.flags/1",
    "flags sample": "tracer.flags/1",
    "flags sample --state open --paths 2": "tracer.flags/1",
    "flags untraced": "tracer.flags/1",
    "trace sample --offline": "tracer.trace/1",
    "verify sample": "tracer.verify/1",
    f"ledger sample {MULE}": "tracer.ledger/1",
    f"ledger sample {MULE} --method lifo --asset native": "tracer.ledger/1",
    f"screen {THIEF}": "screening",
    "deposits": "tracer.deposits/1",
    f"deposits {MULE}": "tracer.deposits/1",
}


@pytest.mark.parametrize("words", READING)
@pytest.mark.usefixtures("desk")
def test_reading_answers_people_and_programs(run: Run, words: str) -> None:
    """Lines without a brace for people; one object with a schema for programs; and reading twice is the same."""
    person, program = run(*words.split()), run(*words.split(), "--json")

    assert (person.code, program.code) == (0, 0), person.err + program.err
    assert person.out.strip()
    assert not person.out.startswith("{")
    assert READING[words] in program.json["schema"]
    assert set(program.json) > {"schema"}
    if "items" in program.json:
        assert set(program.json) == {"schema", "items", "next"}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_case_from_first_to_last(run: Run, sample: Path, as_json: bool) -> None:
    """Import, open, trace, flags, review, export, close: every step answers, and for people names the next."""

    def do(*words: str | Path) -> Any:
        ran = run(*words, *(["--json"] if as_json else []))
        assert ran.code == 0, ran.err
        return ran.json if as_json else ran.out

    told = [
        do("db", "upgrade"),
        do("import", "entities", sample / "entities.yaml"),
        do("import", "labels", sample / "labels.csv"),
        do("import", "transfers", sample / "transfers.csv"),
        do("import", "reports", sample / "reports.csv"),
        do("case", "open", "harbour", "--report-id", "invented-1", "--report-id", "invented-2", "--origin", THIEF),
        do("trace", "harbour", "--offline", "--method", "haircut"),
        do("flags", "harbour"),
    ]
    if as_json:
        assert [one["schema"] for one in told[1:5]] == ["tracer.imported/1"] * 4
        assert [one["rows"] for one in told[1:5]] == [8, 16, 852, 16]
        assert len(told[5]["origins"]) == len({json.dumps(one) for one in told[5]["origins"]})
        assert told[6]["new"] is True
        assert told[6]["digest"].startswith("sha256:")
        assert told[6]["flags"] == len(told[7]["items"]) > 0
        assert all(flag["paths"] for flag in told[7]["items"])
    else:
        assert "852 rows read; new to the store: 5 assets, 498 transactions, 852 transfers" in told[3]
        assert "next: tracer trace harbour --offline" in told[5]
        assert "next: tracer flags harbour" in told[6]
        assert "  path    under haircut" in told[7]
    flag = a_flag(run)
    reviewed = do("review", flag, "--state", "confirmed", "--note", "seen it", "--actor", "ben")
    assert "confirmed" in (reviewed["state"] if as_json else reviewed)
    assert "ben" in json.dumps(reviewed)
    run("export", "harbour", "--out", "harbour.json")
    do("case", "close", "harbour")
    assert run("trace", "harbour", "--offline").code == 4


def test_a_small_trace_loads_nothing_heavy(desk: Path) -> None:
    """The sample case is traced without what a compiled kernel, a node, Parquet or a page would need."""
    heavy = ("dash", "numba", "numpy", "pyarrow", "web3")
    code = f"""
import sys
from tracer.cli import main
try:
    main()
finally:
    print("loaded:", sorted(set({heavy}) & set(sys.modules)), file=sys.stderr)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, "trace", "sample", "--offline"],
        cwd=desk,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "digest    sha256:" in ran.stdout
    assert "loaded: []" == ran.stderr.splitlines()[-1]


@pytest.mark.usefixtures("desk")
def test_a_trace_again_says_that_nothing_is_new(run: Run) -> None:
    """The same result: not new, no flag version; progress goes to standard error."""
    ran = run("trace", "sample", "--offline", "--json")
    assert (ran.json["new"], ran.json["flag_versions"]) == (False, 0)
    assert "round 1:" in ran.err
    assert "the same result as before" in run("trace", "sample", "--offline").out


@pytest.mark.parametrize("name", FORMATS)
def test_export_writes_a_file_or_standard_output(run: Run, desk: Path, name: str) -> None:
    """The same bytes to a file, to `-` and to nowhere named; what was written is told aside."""
    ran = run("export", "sample", "--format", name, "--out", "case.out")
    content = (desk / "case.out").read_bytes()

    assert (ran.code, ran.out) == (0, "")
    assert f"{len(content):,} bytes" in ran.err
    assert run("export", "sample", "--format", name).out.encode() == content
    assert run("export", "sample", "--format", name, "--out", "-").out.encode() == content
    assert [path.name for path in desk.iterdir() if "case.out" in path.name] == ["case.out"]


@pytest.mark.usefixtures("desk")
def test_a_file_name_is_no_command_either(run: Run) -> None:
    """What is told of a file that was written is plain text."""
    ran = run("export", "sample", "--format", "csv", "--out", "a\x1b[31mb.csv")
    assert ran.code == 0
    assert "a\ufffd[31mb.csv" in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.usefixtures("desk")
def test_an_exported_case_proves_its_digest(run: Run) -> None:
    """Also after a person reviewed a flag."""
    run("review", a_flag(run), "--state", "dismissed", "--note", "our own")
    made = json.loads(run("export", "sample").out)
    assert digest(made) == made["digest"] == run("case", "show", "sample", "--json").json["trace"]["digest"]


@pytest.mark.usefixtures("desk")
def test_an_exported_case_is_verified_without_a_store(run: Run, tmp_path: Path) -> None:
    """From its file or standard input, exit code 0 and what it proves; no database is made."""
    run("export", "sample", "--out", "case.json")
    (tmp_path / "tracer.db").unlink()
    ran = run("verify", "case.json")

    assert (ran.code, "the same" in ran.out, "proves the sums, not the reading" in ran.out) == (0, True, True)
    assert run("verify", "case.json", "--json").json["same"] is True
    assert not (tmp_path / "tracer.db").exists()


@pytest.mark.usefixtures("desk")
def test_an_altered_file_is_a_difference(run: Run, tmp_path: Path) -> None:
    """Exit code 1, and the limit that was altered stands first, with both values; hostile text stays text."""
    run("export", "sample", "--out", "case.json")
    made = json.loads((tmp_path / "case.json").read_text())
    made["limits"]["hops"] = 21
    made["labels"][0]["entity"] = HOSTILE[5]
    (tmp_path / "case.json").write_text(json.dumps(made))
    ran, answer = run("verify", "case.json"), run("verify", "case.json", "--json")

    assert (ran.code, answer.code) == (1, 1)
    assert "DIFFERENT first: limit at limits.hops: recorded 20, found 21" in ran.out
    assert answer.json["same"] is False
    assert answer.json["differences"][0] == {"what": "limit", "where": "limits.hops", "recorded": 20, "found": 21}
    assert "\x1b" not in ran.out


@pytest.mark.usefixtures("desk")
def test_a_ledger_of_nobody_is_not_found(run: Run) -> None:
    """An address that no tainted money came to, an asset that never went through it, a method that is none."""
    nobody = run("ledger", "sample", f"eip155:1:0x{1:040x}")
    nothing = run("ledger", "sample", MULE, "--asset", "0x0000000000000000000000000000000000000001")
    average = run("ledger", "sample", MULE, "--method", "average")

    assert (nobody.code, nothing.code, average.code) == (3, 3, 2)
    assert "no money of case sample came to" in nobody.err
    assert "is no method: take one of fifo" in average.err


@pytest.mark.parametrize("as_json", [False, True])
def test_the_demo_is_checked_and_drawn(run: Run, tmp_path: Path, as_json: bool) -> None:
    """Flags with paths, every amount compared with the sample's answer, a graph that can be read, and nothing kept."""
    ran = run("demo", "--graph", "g.graphml", *(["--json"] if as_json else []))

    assert ran.code == 0, ran.err
    assert nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True).number_of_edges() > 50
    assert [path.name for path in tmp_path.iterdir()] == ["g.graphml"]
    if as_json:
        assert (ran.json["schema"], ran.json["differences"]) == ("tracer.demo/1", [])
        assert all(flag["paths"][0]["hops"] for flag in ran.json["flags"])
    else:
        assert "checked: all " in ran.out
        assert "Everything above is invented" in ran.out


def test_the_demo_says_where_it_cannot_draw(run: Run) -> None:
    """A graph in a folder that is not there: a sentence, no half file."""
    ran = run("demo", "--graph", "nowhere/g.graphml")
    assert ran.code == 2
    assert "cannot write nowhere/g.graphml" in ran.err


def test_the_version_alone_is_enough(run: Run) -> None:
    """No command is needed, and no database made."""
    ran = run("--version")
    assert (ran.code, ran.out.split()[0]) == (0, "tracer")
    assert list(Path.cwd().iterdir()) == []


# --- exit codes -------------------------------------------------------------------------------------------------------


def classes(one: type[TracerError] = TracerError) -> Iterator[type[TracerError]]:
    """Every error there is."""
    for below in one.__subclasses__():
        yield below
        yield from classes(below)


def test_every_error_has_an_exit_code() -> None:
    """The nearest class in the one table; no error is a success or an interruption."""
    made = {UnknownMethod: 2, RangeTooLarge: 5, StoreError: 6}
    for error, code in made.items():
        assert exit_code(error("x")) == code
    assert exit_code(BadRows((), 1)) == 2
    assert all(any(base in EXITS for base in one.__mro__) for one in classes())
    assert set(EXITS.values()) == {2, 3, 4, 5, 6}


WRONG = [
    (2, ["nonsense"], "No such command"),
    (2, ["trace"], "Missing argument"),
    (2, ["trace", "sample", "--nonsense"], "No such option"),
    (2, ["trace", "sample", "--method", "poison"], "haircut"),
    (2, ["trace", "sample", "--hops", "-1"], "--hops"),
    (2, ["trace", "sample", "--hops", "9" * 30], "--hops"),
    (2, ["trace", "sample", "--addresses", "0"], "--addresses"),
    (2, ["trace", "sample", "--addresses", "9" * 30], "--addresses"),
    *(
        (2, ["trace", "sample", "--min-confidence", value], "--min-confidence")
        for value in ("2", "-0.1", "NaN", "sNaN", "inf", "1e-9999999", "half", "", "\u0660", "0.5 ")
    ),
    (2, ["case", "open", "new"], "at least one origin"),
    (2, ["case", "open", "", "--origin", THIEF], "name"),
    (2, ["case", "open", " ", "--origin", THIEF], "name"),
    (2, ["case", "open", "a\nb", "--origin", THIEF], "control characters"),
    (2, ["case", "open", "n" * 5000, "--origin", THIEF], "longer than"),
    (2, ["case", "open", "new", "--origin", THIEF, "--method", "best"], "fifo"),
    (2, ["case", "open", "new", "--origin", ""], "CHAIN:ADDRESS"),
    (2, ["case", "open", "new", "--origin", "dogecoin:D8"], "dogecoin"),
    (2, ["case", "open", "new", "--origin", THIEF[:-1]], THIEF[:-1].rpartition(":")[2]),
    (2, ["case", "open", "new", "--origin", THIEF.replace("5f", "5F")], "checksum"),
    (2, ["case", "open", "new", "--report", "nowhere.csv"], "nowhere.csv"),
    (2, ["import", "transfers", "nowhere.csv"], "nowhere.csv"),
    (2, ["import", "transfers", "."], "cannot be read"),
    (2, ["import", "transfers", "tracer.db"], "tracer.db"),
    (2, ["import", "labels", "tracer.db"], "tracer.db"),
    (2, ["import", "reports", "tracer.db"], "tracer.db"),
    (2, ["import", "entities", "tracer.db"], "tracer.db"),
    (2, ["import", "entities", "nowhere.yaml"], "nowhere.yaml"),
    (2, ["export", "sample", "--format", "docx"], "graphml"),
    (2, ["export", "sample", "--out", "nowhere/x"], "cannot write nowhere/x"),
    (2, ["export", "sample", "--out", "."], "cannot write"),
    (2, ["flags", "--state", "nonsense"], "--state"),
    (2, ["flags", "--paths", "-1"], "--paths"),
    (2, ["review", "FLAG", "--state", "withdrawn", "--note", "x"], "withdrawn"),
    (2, ["review", "FLAG", "--state", "open", "--note", "  "], "note"),
    (2, ["case", "show", "\udcff"], "UTF-8"),
    (2, ["screen", "nonsense"], "nonsense"),
    (3, ["case", "show", "nobody"], "tracer case list"),
    (3, ["case", "show", "\x1b[31m"], "tracer case list"),
    (3, ["case", "close", "nobody"], "nobody"),
    (3, ["trace", "nobody", "--offline"], "nobody"),
    (3, ["flags", "nobody"], "nobody"),
    (3, ["export", "nobody"], "nobody"),
    (3, ["export", "untraced"], "tracer trace untraced"),
    (3, ["review", "nobody", "--state", "open", "--note", "x"], "tracer flags"),
    (3, ["case", "open", "new", "--report-id", "r-99"], "r-99"),
    (4, ["case", "open", "sample", "--origin", THIEF], "tracer case show sample"),
    (6, ["--database", "sqlite:///tracer.db/x.db", "case", "list"], "there is no folder tracer.db"),
    (6, ["--database", "sqlite:///nowhere/x.db", "case", "list"], "nowhere"),
    (6, ["--database", "sqlite:///notes.txt", "case", "list"], "notes.txt"),
    (6, ["--database", "sqlite://", "case", "list"], "sqlite:///"),
    (6, ["--database", "mysql://u@h/d", "case", "list"], "sqlite:///"),
    (6, ["pull"], "tracer.toml"),
]


@pytest.mark.parametrize(("code", "words", "said"), WRONG, ids=[" ".join(words)[:60] for _, words, _ in WRONG])
def test_what_goes_wrong_has_a_code_and_a_sentence(
    run: Run, desk: Path, code: int, words: list[str], said: str
) -> None:
    """Nothing on standard output, one sentence with what is wrong and what to do, nothing a terminal obeys."""
    (desk / "notes.txt").write_text("these are my holiday notes " * 100)
    flag = a_flag(run) if "FLAG" in words else ""
    ran = run(*(flag if word == "FLAG" else word for word in words))

    assert (ran.code, ran.out) == (code, "")
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
    assert all(letter.isprintable() for line in ran.err.splitlines() for letter in line)


@pytest.mark.usefixtures("desk")
def test_a_closed_case_is_a_conflict(run: Run) -> None:
    """It can be read, not traced or closed again."""
    assert run("case", "close", "sample").code == 0
    assert run("case", "close", "sample").code == 4
    assert run("trace", "sample", "--offline").code == 4
    assert run("flags", "sample").code == 0


def test_a_changed_audit_row_is_found(run: Run, desk: Path) -> None:
    """Exit 1, and the row is named, for people and programs."""
    with sqlite3.connect(desk / "tracer.db") as raw:
        raw.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    raw.close()
    person, program = run("db", "status"), run("db", "status", "--json")

    assert (person.code, program.code) == (1, 1)
    assert "AUDIT CHAIN BROKEN at row 2" in person.out
    assert program.json["audit_broken_at"] == 2


def test_bad_rows_are_named_and_nothing_is_kept(run: Run, sample: Path, tmp_path: Path) -> None:
    """Line and reason of each; with --skip-bad the good ones are kept and the bad ones listed."""
    lines = (sample / "labels.csv").read_text().splitlines()
    (tmp_path / "bad.csv").write_text(
        "\n".join([*lines[:3], "eip155:1,0xnonsense,x,exchange,0.9,s,,", *lines[3:5]]) + "\n"
    )
    ran = run("import", "labels", "bad.csv")

    assert (ran.code, ran.out) == (2, "")
    assert "line 4:" in ran.err
    assert "--skip-bad" in ran.err
    assert run("db", "status", "--json").json["counts"]["labels"] == 0
    skipped = run("import", "labels", "bad.csv", "--skip-bad", "--json").json
    assert (skipped["rows"], skipped["added"], skipped["refused"]) == (5, {"labels": 4}, 1)
    assert [row["line"] for row in skipped["remarks"]["refused"]] == [4]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_in_a_file_reaches_the_terminal_as_a_command(run: Run, tmp_path: Path, name: str) -> None:
    """A label's entity and source, whatever they are: refused with a sentence or stored, and printed as plain text."""
    cell = '"' + name.replace('"', '""') + '"'
    head = "chain,address,entity,category,confidence,source"
    (tmp_path / "x.csv").write_bytes(f"{head}\n{THIEF.replace(':0x', ',0x')},{cell},scam,0.9,{cell}\n".encode())
    for words in (["import", "labels", "x.csv"], ["import", "labels", "x.csv", "--skip-bad"]):
        ran = run(*words)
        assert ran.code in (0, 2)
        assert all(letter.isprintable() for line in (ran.out + ran.err).split("\n") for letter in line)


# --- processes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "rows"), [("transfers", 852), ("labels", 16), ("reports", 16)])
def test_a_dash_is_standard_input(sample: Path, tmp_path: Path, kind: str, rows: int) -> None:
    """A file piped in is taken in as if it were named; the second time it adds nothing."""
    counts = []
    for _ in range(2):
        with (sample / f"{kind}.csv").open("rb") as file:
            ran = subprocess.run(
                command("import", kind, "-", "--json"), stdin=file, cwd=tmp_path, capture_output=True, check=True
            )
        counts.append(json.loads(ran.stdout))
    assert [one["rows"] for one in counts] == [rows, rows]
    assert (counts[0]["added"][kind], counts[1]["added"][kind]) == (rows, 0)


def test_a_case_may_be_opened_from_standard_input(sample: Path, tmp_path: Path) -> None:
    """Reports from a pipe become its origins."""
    content = (sample / "reports.csv").read_bytes()
    words = command("case", "open", "piped", "--report", "-", "--json")
    ran = subprocess.run(words, input=content, cwd=tmp_path, capture_output=True, check=True)
    assert len(json.loads(ran.stdout)["origins"]) == 16


def test_an_interrupted_trace_says_so(desk: Path) -> None:
    """Ctrl-C in the middle: exit 130, one sentence, nothing half kept; the next run is whole."""
    words = command("trace", "untraced", "--offline", "--json")
    process = subprocess.Popen(words, cwd=desk, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    said = ""
    while "round 1:" not in said:
        said = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    err, out = process.stderr.read(), process.stdout.read()
    process.stderr.close()
    process.stdout.close()

    assert (process.wait(), out) == (130, "")
    assert "interrupted" in err
    assert "Traceback" not in err
    with Store.open(f"sqlite:///{desk / 'tracer.db'}") as store:
        assert store.latest_trace(store.case("untraced").id) is None
        assert store.verify_audit() is None
    again = subprocess.run(words, cwd=desk, capture_output=True, check=True)
    assert json.loads(again.stdout)["new"] is True


@pytest.mark.parametrize("words", ["flags --paths 99", "flags --json", "export sample", "export sample --format csv"])
def test_a_reader_that_has_enough_ends_it_in_silence(desk: Path, words: str) -> None:
    """As `head` does: exit 0, not a word on standard error."""
    process = subprocess.Popen(command(*words.split()), cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["flags", "export sample"])
def test_a_full_disk_is_a_sentence(desk: Path, words: str) -> None:
    """What cannot be written to standard output is said."""
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command(*words.split()), cwd=desk, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 2
    assert b"No space left" in ran.stderr
    assert b"Traceback" not in ran.stderr


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = [
    f"postgresql://u:{PASSWORD}@127.0.0.1:1/d",
    f"postgres://u:{PASSWORD}@127.0.0.1:1/d",
    f"postgresql+psycopg://u:{PASSWORD}@127.0.0.1:99999/d",
    f"postgresql://u:%40{PASSWORD}@127.0.0.1:1/d",
    f"postgresql://127.0.0.1:1/d?user=u&password={PASSWORD}",
    f"postgresql://u:{PASSWORD}@/d?host=/nowhere",
    f"postgresql://u:{PASSWORD}@127.0.0.1:1/d?sslmode=nonsense",
    f"mysql://u:{PASSWORD}@h/d",
    f"u:{PASSWORD}@h/d",
]


@pytest.mark.parametrize("url", SECRETS)
def test_a_password_is_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A database that cannot be reached or understood: exit 6 and a sentence without it, however it was given."""
    named = run("--database", url, "case", "list")
    monkeypatch.setenv("TRACER_DATABASE_URL", url)
    set_ = run("case", "list")
    Path("tracer.toml").write_text(f'[tracer]\ndatabase_url = "{url}"\n')
    monkeypatch.delenv("TRACER_DATABASE_URL")
    filed = run("case", "list")

    for ran in (named, set_, filed, run("settings"), run("settings", "--json")):
        assert PASSWORD not in ran.out + ran.err
        assert "Traceback" not in ran.err
    assert [ran.code for ran in (named, set_, filed)] == [6, 6, 6]
    assert all(ran.err.startswith("error: ") for ran in (named, set_, filed))


def test_what_was_reported_in_confidence_stays_in_the_store(run: Run, sample: Path, tmp_path: Path) -> None:
    """Reporter and note are in no answer, no export and no audit row."""
    line = f"r-1,{THIEF.replace(':0x', ',0x')},,,,2026-03-01T00:00:00Z,Jane Confidential,met him online"
    (tmp_path / "r.csv").write_text(f"report_id,chain,address,tx_hash,asset,amount,time,reporter,note\n{line}\n")
    run("import", "transfers", sample / "transfers.csv")
    run("case", "open", "jane", "--report", "r.csv")
    told = io.StringIO()
    for words in ("trace jane --offline", "case show jane --json", "flags jane --json", "export jane", "case list"):
        ran = run(*words.split())
        assert ran.code == 0
        told.write(ran.out + ran.err)
    with Store.open(f"sqlite:///{tmp_path / 'tracer.db'}") as store:
        told.write(repr(store.audit()))
        assert store.reports()[0].reporter == "Jane Confidential"
    assert "Confidential" not in told.getvalue()
    assert "met him" not in told.getvalue()
