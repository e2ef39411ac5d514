"""Settings: where they come from, which wins, and what is said when they are wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tracer.detect.kyc import POLICY
from tracer.errors import ConfigError
from tracer.model import Limits
from tracer.settings import Settings, shown


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and no TRACER_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("TRACER_DATABASE_URL", "TRACER_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "ana")
    return tmp_path


def test_nothing_needs_to_be_set() -> None:
    """The default is a file here, and the login name."""
    settings = Settings.load()
    assert (settings.database_url, settings.actor, settings.sources) == ("sqlite:///tracer.db", "ana", ())
    assert settings.limits.value() == Limits()
    assert settings.policy.value() == POLICY


def test_arguments_win_over_environment_over_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source is overruled by the one nearer to the user; an empty variable is not set."""
    (folder / "tracer.toml").write_text('[tracer]\nactor = "file"\ndatabase_url = "sqlite:///file.db"\n')
    assert Settings.load().actor == "file"
    monkeypatch.setenv("TRACER_ACTOR", "environment")
    monkeypatch.setenv("TRACER_DATABASE_URL", "")
    assert Settings.load(actor=None).actor == "environment"
    assert Settings.load(actor="argument").actor == "argument"
    assert Settings.load().database_url == "sqlite:///file.db"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[tracer]\ndatabase = "x"\n', "database is no setting: there are database_url, actor"),
        ('actor = "x"\n', "actor: every setting stands under"),
        ('tracer = "x"\n', "tracer: every setting stands under"),
        ('[tracer]\nactor = ""\n', "actor: .* set TRACER_ACTOR"),
        ("[tracer]\nactor = 7\n", "actor: .* set TRACER_ACTOR"),
        ('[tracer]\ndatabase_url = "mysql://u:s3cret@h/d"\n', "database_url: write sqlite"),
        ("[tracer\n", "tracer.toml cannot be read"),
        ("[tracer.jobs]\nthreads = 0\n", "jobs.threads: .*greater than or equal to 1"),
        ("[tracer.jobs]\nthread = 1\n", "jobs.thread: .*Extra inputs"),
        ('[tracer.limits]\nhops = "many"\n', "limits.hops"),
        ("[tracer.policy]\nusd_per_day = -1\n", "policy.usd_per_day"),
        (
            '[[tracer.sources]]\nname = "n"\nkind = "evm"\nchain = "moon"\nurl = "http://h"\n',
            "sources.0.chain: unknown chain 'moon'",
        ),
        (
            '[[tracer.sources]]\nname = "n"\nkind = "evm"\nchain = "ethereum"\n',
            "sources.0: write either url or url_env",
        ),
        (
            '[[tracer.sources]]\nname = "n"\nkind = "evm"\nchain = "ethereum"\nurl_env = "NO_SUCH"\n',
            "sources.0: the environment has no NO_SUCH",
        ),
    ],
)
def test_a_wrong_file_names_the_setting(folder: Path, content: str, said: str) -> None:
    """The error names the setting and the remedy, never the value."""
    (folder / "tracer.toml").write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        Settings.load()
    assert "s3cret" not in str(caught.value)


def test_without_a_login_name_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may have no name: the error says what to set."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    with pytest.raises(ConfigError, match="TRACER_ACTOR"):
        Settings.load()


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@h/d", "postgres://u:a:s3cret/@h/d", "postgresql://h/d?user=u&password=s3cret&x=1"],
)
def test_a_password_is_never_shown(url: str) -> None:
    """Neither repr nor str show it; the value itself is whole."""
    loaded = Settings.load(database_url=url)
    assert "s3cret" not in repr(loaded) + str(loaded)
    assert "***" in repr(loaded)
    assert loaded.database_url == url


def test_settings_do_not_change() -> None:
    """They are read once."""
    with pytest.raises(ValidationError):
        Settings.load().actor = "eve"


NODE = '[[tracer.sources]]\nname = "node"\nkind = "evm"\nchain = "ethereum"\nurl_env = "NODE_URL"\n'


def test_a_source_takes_its_secrets_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The url, which holds a key, is there for the source and nowhere else."""
    (folder / "tracer.toml").write_text(NODE)
    monkeypatch.setenv("NODE_URL", "https://node.example/v3/s3cret-key")
    settings = Settings.load()

    assert "https://node.example/v3/s3cret-key" == settings.sources[0].address()
    assert "s3cret" not in repr(settings) + "".join(f"{row}" for row in shown(settings))


def test_what_is_shown_says_where_it_came_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting names the place that won; a url in the file is hidden."""
    (folder / "tracer.toml").write_text(NODE.replace('url_env = "NODE_URL"', 'url = "https://u:s3cret@h"'))
    monkeypatch.setenv("TRACER_ACTOR", "bo")
    rows = {row.name: row for row in shown(Settings.load(database_url="sqlite:///x.db"), {"database_url"})}

    assert ("bo", "environment") == (rows["actor"].value, rows["actor"].came_from)
    assert "command line" == rows["database_url"].came_from
    assert ("node", "tracer.toml") == (rows["sources.0.name"].value, rows["sources.0.name"].came_from)
    assert ("20", "default") == (rows["limits.hops"].value, rows["limits.hops"].came_from)
    assert "s3cret" not in str(rows)


def test_two_sources_need_two_names(folder: Path) -> None:
    """A checkpoint belongs to a source's name, so it must be its own."""
    one = '[[tracer.sources]]\nname = "n"\nkind = "evm"\nchain = "ethereum"\nurl = "http://h"\n'
    (folder / "tracer.toml").write_text(one + one)
    with pytest.raises(ConfigError, match="two sources have the same name"):
        Settings.load()
