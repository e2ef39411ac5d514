"""What can be set, read once from the environment and `tracer.toml`. Nothing else reads either."""

from __future__ import annotations

import getpass
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tracer.errors import ConfigError

FILE = Path("tracer.toml")
_SCHEMES = ("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|(password=)[^&]*")  # before the last @, or a parameter


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name; the check below then asks for one
        return ""


class Settings(BaseSettings):
    """Every setting, immutable. Named arguments win over TRACER_… variables, these over [tracer] in tracer.toml.

    `database_url`: where everything is kept. `actor`: the name written on every change. Make one with `load`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TRACER_",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    database_url: str = "sqlite:///tracer.db"
    actor: str = Field(default_factory=_login, min_length=1)

    @field_validator("database_url")
    @classmethod
    def _supported(cls, url: str) -> str:
        if not url.startswith(_SCHEMES):
            raise ValueError("write sqlite:///FILE or postgresql://USER@HOST/NAME")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of the class's docstring."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=_from_file(FILE))

    @classmethod
    def load(cls, **given: Any) -> Self:
        """The settings in force; `given` (say, from the command line) wins, None is not given. Raises ConfigError."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise ConfigError("; ".join(_remedy(wrong["loc"], wrong["msg"]) for wrong in error.errors())) from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, _hidden(value)) for name, value in super().__repr_args__()]


def _hidden(value: Any) -> Any:
    return _PASSWORD.sub(r"\1\2***", value) if isinstance(value, str) else value


def _remedy(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(map(str, place))
    if name not in Settings.model_fields:
        return f"{name} is no setting: there are {', '.join(Settings.model_fields)}"
    return f"{name}: {message.removeprefix('Value error, ')}: set TRACER_{name.upper()} or {name} in {FILE}"


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    table = content.pop("tracer", {})
    if content or not isinstance(table, dict):
        raise ConfigError(f"{path}: {', '.join(sorted(content)) or 'tracer'}: every setting stands under [tracer]")
    return table
