"""The promise: every setting is explained, every invalid value is named with what to write, and secrets stay secret."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.errors import OperatorError
from server.settings import Settings, list_settings, read_settings, variable
from tests.support.servers import modelmeta

TOKEN = "a-secret-of-some-length"
NAMES = list(Settings.model_fields)
Setenv = Callable[..., None]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MODELMETA_"):
            monkeypatch.delenv(name)


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> Setenv:
    """Sets MODELMETA_* variables: setenv(port="9000")."""

    def set_variables(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(variable(name), value)

    return set_variables


def listed() -> dict[str, tuple[str, str]]:
    """Setting -> its value and where that comes from."""
    return {setting.name: (setting.value, setting.origin) for setting in list_settings()}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_sentence(name: str) -> None:
    sentence = Settings.model_fields[name].description or ""
    assert len(sentence) > 20
    assert sentence.endswith(".")
    assert sentence[0].isupper()


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_listed_with_its_variable_and_sentence(name: str) -> None:
    (setting,) = [setting for setting in list_settings() if setting.name == name]
    assert (setting.variable, setting.origin) == (f"MODELMETA_{name.upper()}", "default")
    assert setting.description == Settings.model_fields[name].description


def test_a_flag_comes_before_a_variable_and_a_variable_before_the_default(setenv: Setenv) -> None:
    setenv(port="9000", host="192.0.2.1")
    settings = read_settings(port=9001, host=None)
    assert (settings.port, settings.host, settings.log_level) == (9001, "192.0.2.1", "info")
    found = listed()
    assert (found["port"], found["host"]) == (("9000", "environment"), ("192.0.2.1", "environment"))
    assert found["log_level"] == ("info", "default")


def test_an_unknown_variable_is_named(setenv: Setenv) -> None:
    setenv(prot="9000")
    with pytest.raises(OperatorError) as caught:
        read_settings()
    assert str(caught.value) == "No setting is called MODELMETA_PROT. `modelmeta settings` lists all settings."


def test_the_installers_variable_is_not_a_setting(setenv: Setenv) -> None:
    setenv(skip_graphiql="1")
    assert read_settings() == Settings()


def test_a_subprocess_gets_the_same_settings(setenv: Setenv) -> None:
    settings = Settings(port=9001, overlay=Path("mine.toml"), models_dev_url="", operator_token=TOKEN)
    setenv(**{name.removeprefix("MODELMETA_"): value for name, value in settings.as_environment().items()})
    assert read_settings() == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", "65536"),
        ("port", "-1"),
        ("refresh_interval", "-1"),
        ("refresh_interval", "1.5"),
        ("database_url", "mysql://localhost/models"),
        ("database_url", "modelmeta.sqlite"),
        ("operation_timeout", "0"),
        ("operation_timeout", "nan"),
        ("operation_timeout", "inf"),
        ("max_body_bytes", "1"),
        ("max_cost", "99"),
        ("max_depth", "2"),
        ("max_tokens", "99"),
        ("max_aliases", "0"),
        ("log_level", "loud"),
    ],
)
def test_an_invalid_value_is_named_with_what_the_setting_means(setenv: Setenv, name: str, value: str) -> None:
    setenv(**{name: value})
    with pytest.raises(OperatorError) as caught:
        read_settings()
    message = str(caught.value)
    assert message.startswith(f"{variable(name)} is '{value}': ")
    assert message.endswith(f" {Settings.model_fields[name].description}")
    assert "\n" not in message


@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if not (name.endswith("_url") and name != "database_url") and name != "cors_origins"],
)
def test_an_empty_variable_means_the_default(setenv: Setenv, name: str) -> None:
    setenv(**{name: ""})
    assert read_settings() == Settings()
    assert listed()[name][1] == "default"


@pytest.mark.parametrize("name", ["models_dev_url", "genai_prices_url", "openrouter_url", "cors_origins"])
def test_an_empty_variable_disables_a_feed_and_cross_origin_requests(setenv: Setenv, name: str) -> None:
    assert getattr(read_settings(), name)
    setenv(**{name: ""})
    assert listed()[name] == ("", "environment")


def test_a_value_of_zero_is_shown(setenv: Setenv) -> None:
    setenv(port="0", refresh_interval="0")
    assert (listed()["port"][0], listed()["refresh_interval"][0]) == ("0", "0")


def test_the_token_is_never_shown(setenv: Setenv) -> None:
    assert listed()["operator_token"] == ("", "default")
    setenv(operator_token=TOKEN)
    assert read_settings().operator_token == TOKEN
    assert listed()["operator_token"] == ("(set)", "environment")
    assert TOKEN not in str(list_settings())
    setenv(operator_token=TOKEN[:15])
    with pytest.raises(OperatorError) as caught:
        read_settings()
    assert TOKEN[:15] not in str(caught.value)


def test_a_databases_password_is_never_shown(setenv: Setenv) -> None:
    setenv(database_url="postgresql+asyncpg://owner:pass-word@db.example/models")
    shown = listed()["database_url"][0]
    assert "pass-word" not in shown
    assert "db.example/models" in shown
    setenv(database_url="postgres://owner:pass-word@db.example/models")
    with pytest.raises(OperatorError) as caught:
        read_settings()
    assert "pass-word" not in str(caught.value)
    assert "MODELMETA_DATABASE_URL" in str(caught.value)


def test_the_command_lists_every_setting_with_where_it_comes_from(tmp_path: Path) -> None:
    overlay = tmp_path / "[mine].toml"
    done = modelmeta("settings", port="9000", operator_token=TOKEN, overlay=str(overlay))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│ MODEL" in line]
    row_of = {line[0]: line[1:] for line in lines}
    assert list(row_of) == [variable(name) for name in NAMES]
    for name in NAMES:
        assert row_of[variable(name)][2] == Settings.model_fields[name].description
    assert row_of["MODELMETA_PORT"][:2] == ["9000", "environment"]
    assert row_of["MODELMETA_HOST"][:2] == ["127.0.0.1", "default"]
    assert row_of["MODELMETA_OVERLAY"][:2] == [str(overlay), "environment"]
    assert row_of["MODELMETA_OPERATOR_TOKEN"][:2] == ["(set)", "environment"]
    assert TOKEN not in done.stdout
