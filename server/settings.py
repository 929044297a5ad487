"""Every setting once: name, default, bounds and one sentence. Read from flags and MODELMETA_* variables."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_data_path
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from server.errors import OperatorError

PREFIX = "MODELMETA_"
INSTALLER_VARIABLES = frozenset({f"{PREFIX}SKIP_GRAPHIQL"})
"""Variables that the build hook reads, and that are not settings."""
OFF_WHEN_EMPTY = frozenset({"models_dev_url", "genai_prices_url", "openrouter_url", "cors_origins"})
"""Settings that an empty variable switches off; for every other setting an empty variable means the default."""
SECRETS = frozenset({"operator_token"})


def default_database_url() -> str:
    return f"sqlite+aiosqlite:///{(user_data_path('modelmeta') / 'modelmeta.sqlite').as_posix()}"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 listens on every interface."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 picks a free port."""
    database_url: str = Field(
        default_factory=default_database_url, pattern=r"^(sqlite\+aiosqlite|postgresql\+asyncpg)://"
    )
    """Database that holds the registry: sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DATABASE."""
    refresh_interval: int = Field(default=3600, ge=0)
    """Seconds between refreshes; 0 disables scheduled refreshes."""
    models_dev_url: str = "https://models.dev/api.json"
    """URL of the models.dev feed; empty disables it."""
    genai_prices_url: str = (
        "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
    )
    """URL of the genai-prices feed; empty disables it."""
    openrouter_url: str = "https://openrouter.ai/api/v1/models"
    """URL of OpenRouter's model list; empty disables the feed."""
    fetch_timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Maximum seconds to fetch one feed, retries included."""
    max_feed_bytes: int = Field(default=33_554_432, ge=1_024)
    """Maximum decompressed size of a feed, in bytes."""
    guard_invalid: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's entries that may fail validation before the feed is held back."""
    guard_retired: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's models that may disappear at once before the feed is held back."""
    guard_moved: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's prices that may change at once before the feed is held back."""
    overlay: Path | None = None
    """TOML or JSON file with your own models, prices and corrections; trusted over every other source."""
    operator_token: str | None = Field(default=None, min_length=16)
    """Secret that authorizes refreshRegistry; when unset the mutation is disabled."""
    cors_origins: str = "*"
    """Origins allowed to call the API from a browser, separated by commas; * allows any, empty allows none."""
    operation_timeout: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    """Maximum seconds an operation may run."""
    keep_alive: float = Field(default=15.0, gt=0, allow_inf_nan=False)
    """Seconds between keep-alive messages on WebSockets and event streams."""
    send_timeout: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """Seconds a client may stall before it is disconnected."""
    max_sockets: int = Field(default=10_000, ge=1)
    """Maximum number of open WebSockets and event streams."""
    max_sockets_per_address: int = Field(default=2_000, ge=1)
    """Maximum number of open WebSockets and event streams from one address."""
    max_body_bytes: int = Field(default=131_072, ge=1_024)
    """Maximum request body, in bytes."""
    max_cost: int = Field(default=100_000, ge=100)
    """Maximum cost of a document: the number of objects it may return, with page sizes multiplied."""
    max_depth: int = Field(default=15, ge=3)
    """Maximum nesting depth of fields in a document."""
    max_tokens: int = Field(default=5_000, ge=100)
    """Maximum number of tokens in a document."""
    max_aliases: int = Field(default=100, ge=1)
    """Maximum number of aliases in a document."""
    log_level: str = Field(default="info", pattern="^(critical|error|warning|info|debug)$")
    """Minimum level of log messages: critical, error, warning, info or debug."""

    @field_validator("*", mode="before")
    @classmethod
    def use_default_when_empty(cls, value: object, info: ValidationInfo) -> object:
        name = str(info.field_name)
        if value == "" and name not in OFF_WHEN_EMPTY:
            return cls.model_fields[name].get_default(call_default_factory=True)
        return value

    def as_environment(self) -> dict[str, str]:
        """The variables that give a subprocess the same settings."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {variable(name): "" if value is None else str(value) for name, value in values.items()}


def variable(name: str) -> str:
    return PREFIX + name.upper()


def read_settings(**flags: object) -> Settings:
    """Settings from the flags that are given, then from the environment.

    Raises OperatorError that names the setting, its value and what it means.
    """
    known = {variable(name) for name in Settings.model_fields} | INSTALLER_VARIABLES
    for key in os.environ:
        if key.startswith(PREFIX) and key not in known:
            raise OperatorError(f"No setting is called {key}. `modelmeta settings` lists all settings.")
    try:
        return Settings.model_validate({name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        mistake = error.errors()[0]
        name = str(mistake["loc"][0])
        raise OperatorError(
            f"{variable(name)} is {_hide_secrets(name, repr(mistake['input']))}: {mistake['msg']}. "
            f"{Settings.model_fields[name].description}"
        ) from error


def _hide_secrets(name: str, text: str) -> str:
    """A value as it may be printed. An address may hold a password: postgresql://user:***@host/database."""
    return "(hidden)" if name in SECRETS else re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", text)


class SettingOrigin(NamedTuple):
    """A setting with its value and where that value comes from."""

    name: str
    variable: str
    value: str
    origin: str
    """default or environment."""
    description: str


def list_settings() -> list[SettingOrigin]:
    """Every setting with its value, without secrets, and where the value comes from."""
    settings = read_settings()
    found: list[SettingOrigin] = []
    for name, field in Settings.model_fields.items():
        given = os.environ.get(variable(name))
        is_given = given or (given == "" and name in OFF_WHEN_EMPTY)
        value, origin = _printable(name, getattr(settings, name)), "environment" if is_given else "default"
        found.append(SettingOrigin(name, variable(name), value, origin, field.description or ""))
    return found


def _printable(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in SECRETS:
        return "(set)"
    return make_url(str(value)).render_as_string() if name == "database_url" else str(value)


def settings_table() -> str:
    """Every setting as a Markdown table, for the README."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        default = "a file in the user's data directory" if name == "database_url" else default
        lines.append(f"| `{variable(name)}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
