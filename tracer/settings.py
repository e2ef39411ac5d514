"""What can be set, read once from the environment and `tracer.toml`. Nothing else reads either."""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tracer.chains import parse_chain
from tracer.detect.kyc import POLICY, Policy
from tracer.errors import ConfigError, UnknownChain
from tracer.model import Limits

FILE = Path("tracer.toml")
_SCHEMES = ("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|(password=)[^&]*")  # before the last @, or a parameter


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name; the check below then asks for one
        return ""


class Part(BaseModel):
    """A table of settings inside [tracer]."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SourceSettings(Part):
    """One source: [[tracer.sources]]; of a chain's several the first is asked first. The url, or the name of the
    environment variable that holds it (`url_env`), likewise the key; a public provider's url need not be written.

    `start_block`: nothing older is read, and coverage says so. `confirmations`: how many blocks on top make a block
    final where the provider does not know `finalized` (default: what is known of the provider and chain).
    `range_blocks`: how many blocks a request asks a node for at first. `calls_per_second`, `calls_per_day`: never more
    than that (default: below what the provider publishes of its free plan; a node: no limit).
    """

    name: str = Field(min_length=1, max_length=64, pattern=r"[a-z0-9_-]+")
    kind: Literal["evm", "etherscan", "blockscout", "blockscout_rest", "trongrid", "esplora"]
    chain: str
    url: SecretStr | None = None
    url_env: str | None = None
    key: SecretStr | None = None
    key_env: str | None = None
    calls_per_second: float | None = Field(default=None, gt=0)
    calls_per_day: int | None = Field(default=None, ge=1)
    start_block: int = Field(default=0, ge=0)
    confirmations: int | None = Field(default=None, ge=0)
    range_blocks: int = Field(default=2000, ge=1)
    timeout_seconds: float = Field(default=30, gt=0)

    @field_validator("chain")
    @classmethod
    def _known(cls, chain: str) -> str:
        try:
            return parse_chain(chain)
        except UnknownChain as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        written = (self.url is not None) + (self.url_env is not None)
        if written > 1 or (self.kind == "evm" and not written):
            raise ValueError("write either url or url_env")
        if self.key is not None and self.key_env is not None:
            raise ValueError("write either key or key_env")
        for variable in (self.url_env, self.key_env):
            if variable is not None and not os.environ.get(variable):
                raise ValueError(f"the environment has no {variable}: set it")
        if written and not self.address().startswith(("http://", "https://")):
            raise ValueError("the url must start with http:// or https://")
        return self

    def address(self) -> str:
        """The url itself, "" if the provider's own is meant; it may hold a key, so it is never shown."""
        return _either(self.url, self.url_env)

    def secret(self) -> str:
        """The key, "" if there is none; never shown."""
        return _either(self.key, self.key_env)


def _either(written: SecretStr | None, variable: str | None) -> str:
    if written is not None:
        return written.get_secret_value()
    return os.environ[variable] if variable is not None else ""


class JobsSettings(Part):
    """[tracer.jobs]. `threads`: addresses pulled at once. `lease_seconds`: after so long without a sign of life another
    scheduler takes over. `pace` multiplies every cadence of the schedule. `batch`: addresses a pull reads at most.
    """

    threads: int = Field(default=4, ge=1, le=64)
    lease_seconds: float = Field(default=30, ge=0.2)
    pace: float = Field(default=1, gt=0)
    batch: int = Field(default=500, ge=1)


class LimitsSettings(Part):
    """[tracer.limits]: what decides which addresses a trace reads (see model.Limits)."""

    hops: int = Field(default=20, ge=0)
    addresses: int | None = Field(default=None, ge=1)
    age_days: int | None = Field(default=None, ge=0)
    worth: Decimal = Field(default=Decimal(0), ge=0, le=1)
    min_confidence: Decimal = Field(default=Decimal(0), ge=0, le=1)

    def value(self) -> Limits:
        """As the core takes them."""
        age = None if self.age_days is None else timedelta(days=self.age_days)
        return Limits(self.hops, self.addresses, age, self.worth, self.min_confidence)


class PolicySettings(Part):
    """[tracer.policy]: what counts as low-KYC (see detect.kyc.Policy for the rest)."""

    usd_per_day: Decimal = Field(default=POLICY.usd_per_day, gt=0)
    btc_per_day: Decimal = Field(default=POLICY.btc_per_day, gt=0)
    triggered_is_low: bool = POLICY.triggered_is_low

    def value(self) -> Policy:
        """As the core takes it."""
        return replace(POLICY, **self.model_dump())


class FeedsSettings(Part):
    """[tracer.feeds]: where `tracer feeds sync` downloads a list from; without a url it is imported by hand."""

    tagpacks: SecretStr | None = None
    actors: SecretStr | None = None
    ofac: SecretStr | None = None
    ofac_addresses: SecretStr | None = None
    okx: SecretStr | None = None
    binance: SecretStr | None = None
    scamsniffer: SecretStr | None = None
    etherscan: SecretStr | None = None
    labels: SecretStr | None = None

    @field_validator("*")
    @classmethod
    def _web(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("the url must start with http:// or https://")
        return url

    def urls(self) -> dict[str, str]:
        """Those that are set, by feed; they may hold keys, so they are never shown."""
        return {name: url.get_secret_value() for name, url in self if url is not None}


class PricesSettings(Part):
    """[tracer.prices]. `url`: where DefiLlama is, if not at its public address; never shown, for it may hold a key."""

    url: SecretStr | None = None


class Settings(BaseSettings):
    """Every setting, immutable. Named arguments win over TRACER_… variables, these over [tracer] in tracer.toml.

    `database_url`: where everything is kept. `actor`: the name written on every change. `include_unconfirmed`: read and
    count what is not final yet. Make one with `load`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TRACER_",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
        env_nested_delimiter="__",
    )

    database_url: str = "sqlite:///tracer.db"
    actor: str = Field(default_factory=_login, min_length=1)
    include_unconfirmed: bool = False
    sources: tuple[SourceSettings, ...] = ()
    jobs: JobsSettings = JobsSettings()
    limits: LimitsSettings = LimitsSettings()
    policy: PolicySettings = PolicySettings()
    feeds: FeedsSettings = FeedsSettings()
    prices: PricesSettings = PricesSettings()

    @field_validator("sources")
    @classmethod
    def _apart(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name")
        return sources

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


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as it may be shown: secrets hidden, and where its value came from."""

    name: str
    value: str
    came_from: str


def shown(settings: Settings, given: Collection[str] = ()) -> Iterator[Shown]:
    """Every setting in force, secrets hidden. `given`: names that came from the command line."""
    file = _from_file(FILE)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        came_from = "default"
        if name in file:
            came_from = str(FILE)
        if any(key.upper().startswith(f"TRACER_{name.upper()}") and os.environ[key] for key in os.environ):
            came_from = "environment"
        if name in given:
            came_from = "command line"
        yield from _rows(name, value, came_from)


def _rows(name: str, value: Any, came_from: str) -> Iterator[Shown]:
    if isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from _rows(f"{name}.{key}", getattr(value, key), came_from)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _rows(f"{name}.{number}", item, came_from)
    else:
        yield Shown(name, str(_hidden(str(value)) if value is not None else "not set"), came_from)


def _hidden(value: Any) -> Any:
    return _PASSWORD.sub(r"\1\2***", value) if isinstance(value, str) else value


def _remedy(place: tuple[int | str, ...], message: str) -> str:
    name, first = ".".join(map(str, place)), str(place[0])
    if first not in Settings.model_fields:
        return f"{name} is no setting: there are {', '.join(Settings.model_fields)}"
    said = message.removeprefix("Value error, ")
    if len(place) > 1 or first == "sources":
        return f"{name}: {said}: mend it under [tracer] in {FILE}"
    return f"{name}: {said}: set TRACER_{name.upper()} or {name} in {FILE}"


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
