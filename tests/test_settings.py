"""Settings: where they come from, which wins, and what is said when they are wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tracer.errors import ConfigError
from tracer.settings import Settings


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
    assert Settings.load().model_dump() == {"database_url": "sqlite:///tracer.db", "actor": "ana"}


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
