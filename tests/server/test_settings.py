"""The promise: every setting is explained, every mistake in one is named with the way out, and secrets stay secret."""

from pathlib import Path

import pytest

from server.errors import OperatorError
from server.settings import Settings, origins, read, variable
from tests.support.servers import modelmeta

TOKEN = "a-secret-of-some-length"
NAMES = list(Settings.model_fields)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_sentence(name: str) -> None:
    sentence = Settings.model_fields[name].description or ""
    assert len(sentence) > 20
    assert sentence.endswith(".")
    assert sentence[0].isupper()


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_listed_with_its_variable_and_sentence(name: str) -> None:
    (found,) = [each for each in origins({}) if each.name == name]
    assert (found.variable, found.origin) == (f"MODELMETA_{name.upper()}", "default")
    assert found.sentence == Settings.model_fields[name].description


def test_a_flag_comes_before_a_variable_and_a_variable_before_the_default() -> None:
    environment = {"MODELMETA_PORT": "9000", "MODELMETA_HOST": "0.0.0.0", "PATH": "/bin"}  # noqa: S104 - not listened on
    settings = read(environment, {"port": 9001, "host": None})
    assert (settings.port, settings.host, settings.log_level) == (9001, "0.0.0.0", "info")  # noqa: S104 - only read, never listened on
    found = {each.name: (each.value, each.origin) for each in origins(environment, {"port": 9001, "host": None})}
    assert found["port"] == ("9001", "flag")
    assert found["host"] == ("0.0.0.0", "environment")  # noqa: S104 - only read, never listened on
    assert found["log_level"] == ("info", "default")


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(OperatorError) as caught:
        read({"MODELMETA_PROT": "9000"})
    assert str(caught.value) == "No setting is called MODELMETA_PROT. `modelmeta settings` lists those there are."


def test_the_installers_variable_is_not_taken_for_a_setting() -> None:
    assert read({"MODELMETA_SKIP_GRAPHIQL": "1"}) == read({})


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
def test_a_malformed_value_is_named_with_what_the_setting_means(name: str, value: str) -> None:
    with pytest.raises(OperatorError) as caught:
        read({variable(name): value})
    message = str(caught.value)
    assert message.startswith(f"{variable(name)} is '{value}': ")
    assert message.endswith(f" {Settings.model_fields[name].description}")
    assert "\n" not in message


@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if not (name.endswith("_url") and name != "database_url") and name != "cors_origins"],
)
def test_an_empty_variable_means_the_default(name: str) -> None:
    assert getattr(read({variable(name): ""}), name) == getattr(read({}), name)


@pytest.mark.parametrize("name", ["models_dev_url", "genai_prices_url", "openrouter_url", "cors_origins"])
def test_a_feed_and_the_origins_are_switched_off_by_an_empty_variable(name: str) -> None:
    assert getattr(read({}), name)
    assert getattr(read({variable(name): ""}), name) == ""
    assert {each.name: each.origin for each in origins({variable(name): ""})}[name] == "environment"


def test_a_value_of_zero_is_shown() -> None:
    environment = {"MODELMETA_PORT": "0", "MODELMETA_REFRESH_INTERVAL": "0"}
    found = {each.name: each.value for each in origins(environment)}
    assert (found["port"], found["refresh_interval"]) == ("0", "0")


def test_the_token_is_never_shown() -> None:
    environment = {"MODELMETA_OPERATOR_TOKEN": TOKEN}
    assert read(environment).operator_token == TOKEN
    found = {each.name: (each.value, each.origin) for each in origins(environment)}
    assert found["operator_token"] == ("(set)", "environment")
    assert TOKEN not in str(origins(environment))
    assert {each.name: each.value for each in origins({})}["operator_token"] == ""
    with pytest.raises(OperatorError) as caught:
        read({"MODELMETA_OPERATOR_TOKEN": TOKEN[:15]})
    assert TOKEN[:15] not in str(caught.value)


def test_a_databases_password_is_never_shown() -> None:
    url = "postgresql+asyncpg://owner:pass-word@db.example/models"
    shown = {each.name: each.value for each in origins({"MODELMETA_DATABASE_URL": url})}["database_url"]
    assert "pass-word" not in shown
    assert "db.example/models" in shown
    with pytest.raises(OperatorError) as caught:
        read({"MODELMETA_DATABASE_URL": "postgres://owner:pass-word@db.example/models"})
    assert "pass-word" not in str(caught.value)
    assert "MODELMETA_DATABASE_URL" in str(caught.value)


def test_the_command_lists_every_setting_with_where_it_comes_from(tmp_path: Path) -> None:
    overlay = tmp_path / "[mine].toml"
    done = modelmeta("settings", port="9000", operator_token=TOKEN, overlay=str(overlay))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│ MODEL" in line]
    told = {line[0]: line[1:] for line in lines}
    assert list(told) == [variable(name) for name in NAMES]
    for name in NAMES:
        assert told[variable(name)][2] == Settings.model_fields[name].description
    assert told["MODELMETA_PORT"][:2] == ["9000", "environment"]
    assert told["MODELMETA_HOST"][:2] == ["127.0.0.1", "default"]
    assert told["MODELMETA_OVERLAY"][:2] == [str(overlay), "environment"]
    assert told["MODELMETA_OPERATOR_TOKEN"][:2] == ["(set)", "environment"]
    assert TOKEN not in done.stdout
