"""One frozen ``Settings`` from the environment. Nothing else in the product reads ``os.environ``.

Every name starts with ``REMOTE_ASSIST_``; lists are separated by commas; no setting is needed.
``read`` reports every mistake at once, in sentences, and never repeats the value of a secret.
"""

import difflib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX: Final = "REMOTE_ASSIST_"
Port = Annotated[int, Field(ge=0, le=65_535)]
"""Zero means any free port."""
NameList = Annotated[tuple[str, ...], NoDecode]
"""Comma-separated in the environment; blanks around an entry do not count."""


class SettingsError(Exception):
    """The environment does not make sense. Each problem is one sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """What the operator decides. The description of each field is the text of docs/configuration.md."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    http_host: str = Field("127.0.0.1", description="Address that HTTP listens on; `0.0.0.0` is every one.")
    http_port: Port = Field(8080, description="TCP port of HTTP; 0 takes any free one.")
    public_url: str | None = Field(
        None,
        description="Base of every link, e.g. `https://assist.example`; unset: the bound address.",
    )
    data_dir: Path = Field(Path("data"), description="Folder of keys, certificates and embedded database.")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the database; unset: SQLite in the data folder."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis for wake-ups between nodes; unset: this is the only node."
    )
    media_host: str = Field("0.0.0.0", description="Address the media port binds.")  # noqa: S104 - media is public
    media_port: Port = Field(10_000, description="UDP port of all media; 0 takes any free one.")
    media_tcp_port: Port | None = Field(
        None,
        description="Reserved for media over TCP, which is not served yet; unset: the UDP port's number.",
    )
    media_public_addresses: NameList = Field(
        (), description="IP addresses told to browsers; unset: every address of the machine."
    )
    drain_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="Seconds that live sessions may go on after SIGTERM; unset: 0 embedded, 3600 with Redis.",
    )
    turn_urls: NameList = Field((), description="TURN servers for browsers, e.g. `turn:turn.example:3478`.")
    turn_secret: SecretStr | None = Field(
        None, description="Shared secret of the TURN servers, for credentials that expire."
    )
    bootstrap_api_key: SecretStr | None = Field(
        None, description="After start a partner `default` exists with exactly this API key."
    )
    webhook_allow_private: bool | None = Field(
        None,
        description="Allow webhook receivers on private addresses and plain http; unset: only in demo mode.",
    )
    metrics: bool = Field(default=False, description="Serve Prometheus metrics at `/metrics`, without a key.")
    lan_port: Port = Field(8443, description="TCP port of HTTPS on the local network, with `serve --lan`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from ``read`` alone, so that tests and the server go the same way."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("media_public_addresses", "turn_urls", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("media_public_addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            try:
                ipaddress.ip_address(part)
            except ValueError:
                raise ValueError(f"{part!r} is not an IP address") from None
        return value

    @field_validator("turn_urls")
    @classmethod
    def _are_turn_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if not part.startswith(("turn:", "turns:", "stun:", "stuns:")):
                raise ValueError(f"{part!r} does not start with turn: or turns:")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_web_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must look like https://assist.example, without query or fragment")
        return value.rstrip("/")

    @field_validator("bootstrap_api_key")
    @classmethod
    def _is_usable_key(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else "x"
        if not key.isascii() or not key.isprintable() or key != key.strip():
            raise ValueError("must be printable ASCII without blanks around it, to fit a header")
        return value

    def effective_drain_s(self) -> int:
        """Return how long live sessions may go on after SIGTERM."""
        if self.drain_s is not None:
            return self.drain_s
        return 3600 if self.redis_url else 0

    def effective_database_url(self) -> str:
        """Return the SQLAlchemy URL, SQLite in the data folder by default."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'remote-assist.db'}"


def read(environment: Mapping[str, str]) -> Settings:
    """Return the settings found in ``environment``.

    Raises:
        SettingsError: with every unknown name and every value that does not fit.
    """
    named = {name: value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    known = {environment_name(field): field for field in Settings.model_fields}
    problems = [_unknown(name, known) for name in sorted(named) if name.upper() not in known]
    values = {
        known[name.upper()]: value for name, value in named.items() if name.upper() in known and value != ""
    }
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # texts, which pydantic converts
    except ValidationError as error:
        problems += [
            _misfit(one["loc"], one["msg"]) for one in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError(problems) from None
    if settings.turn_urls and not settings.turn_secret:
        problems.append(f"{PREFIX}TURN_URLS is set, so {PREFIX}TURN_SECRET must be set too.")
    if problems:
        raise SettingsError(problems)
    return settings


def environment_name(field: str) -> str:
    """Return the name of a field of Settings in the environment."""
    return PREFIX + field.upper()


def _unknown(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)
    return f"{name} is no setting; did you mean {near[0]}?"


def _misfit(location: tuple[int | str, ...], message: str) -> str:
    sentence = message.removeprefix("Value error, ")
    return f"{environment_name(str(location[0]))}: {sentence[:1].lower()}{sentence[1:]}."
