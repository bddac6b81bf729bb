"""Settings come from the environment, are all checked at start, and are all documented."""

from pathlib import Path

import pytest

from app.settings import SETTINGS, SettingError, Settings, option

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
POSTGRES = "postgresql://vestibule:s3cr%2Ft@db:5432/vestibule?sslmode=require"


def settings(**variables: str) -> Settings:
    return Settings.from_environment({f"VESTIBULE_{name}": text for name, text in variables.items()})


def refusal(**variables: str) -> str:
    with pytest.raises(SettingError) as caught:
        settings(**variables)
    return str(caught.value)


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `VESTIBULE_")]
    documented = [tuple(cell.strip().strip("`") for cell in row.strip("|").split(" | ")) for row in rows]
    assert documented == [(setting.environment, setting.default, setting.meaning) for setting in SETTINGS]


def test_every_default_would_be_accepted_from_the_environment() -> None:
    for setting in SETTINGS:
        default = getattr(Settings(), setting.name)
        text = str(default).lower() if isinstance(default, bool) else str(default)
        assert default is None or setting.value(text, setting.name) == default


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({"PATH": "/bin", "TEST_DATABASE_URL": POSTGRES}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATABASE_URL", "sqlite:///elsewhere.db", "sqlite:///elsewhere.db"),
        ("DATABASE_URL", "sqlite:////srv/vestibule/a b.db", "sqlite:////srv/vestibule/a b.db"),
        ("DATABASE_URL", POSTGRES, POSTGRES),
        ("DATABASE_URL", "postgresql:///v?host=/run/postgresql", "postgresql:///v?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql://a:1,b:2/v?target_session_attrs=read-write",
         "postgresql://a:1,b:2/v?target_session_attrs=read-write"),
        ("PUBLIC_URL", "https://scim.example.com", "https://scim.example.com"),
        ("PUBLIC_URL", "https://example.com:8443/directory//", "https://example.com:8443/directory"),
        ("PUBLIC_URL", "http://[::1]:8080/", "http://[::1]:8080"),
        ("SECRET_KEY", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("BIND", "0.0.0.0:80", "0.0.0.0:80"),
        ("BIND", "[::]:65535", "[::]:65535"),
        ("WORKERS", "2", 2),
        ("MAX_BODY", "65536", 65536),
        ("LOG_LEVEL", "WARNING", "warning"),
        ("STATEMENT_TIMEOUT", "2.5", 2.5),
        ("PREPARED_STATEMENTS", "False", False),
    ],
)  # fmt: skip
def test_a_value_is_read(name: str, text: str, value: object) -> None:
    assert getattr(settings(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://db/vestibule"),
        ("DATABASE_URL", "postgres://db/vestibule"),
        ("DATABASE_URL", "postgresql://db/vesti bule"),
        ("DATABASE_URL", "postgresql://db/vestibule?no_such_option=1"),
        ("DATABASE_URL", "sqlite://var/vestibule.db"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///var/"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///vestibule.db?mode=ro"),
        ("PUBLIC_URL", "scim.example.com"),
        ("PUBLIC_URL", "ftp://scim.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://scim.example.com/?aadOptscim062020"),
        ("PUBLIC_URL", "https://scim.example.com/#here"),
        ("PUBLIC_URL", "https://user:password@scim.example.com"),
        ("PUBLIC_URL", "https://scim.example.com\n"),
        ("SECRET_KEY", "too short"),
        ("BIND", "8080"),
        ("BIND", "127.0.0.1:0"),
        ("BIND", "127.0.0.1:65536"),
        ("BIND", "::1:8080"),
        ("WORKERS", "0"),
        ("WORKERS", "four"),
        ("WORKERS", "²"),
        ("THREADS", "4.0"),
        ("THREADS", " 4"),
        ("MAX_BODY", "8MiB"),
        ("MAX_COUNT", "99"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_RETENTION_DAYS", "-1"),
        ("STATEMENT_TIMEOUT", "60"),
        ("STATEMENT_TIMEOUT", "nan"),
        ("BUSY_TIMEOUT", "0"),
        ("PREPARED_STATEMENTS", "maybe"),
        ("WORKERS", ""),
    ],
)
def test_a_wrong_value_is_refused_with_one_sentence_that_names_the_variable(name: str, text: str) -> None:
    sentence = refusal(**{name: text})
    assert sentence.startswith(f"VESTIBULE_{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_sentence_says_what_is_wrong_and_what_is_expected() -> None:
    assert refusal(THREADS="many") == "VESTIBULE_THREADS must be a whole number from 1 to 64, not 'many'."


def test_a_database_url_is_not_lost_in_an_empty_variable() -> None:
    assert refusal(DATABASE_URL="") == "VESTIBULE_DATABASE_URL is empty: give it a value, or leave it out."


@pytest.mark.parametrize("name", ["DATABASE_URL", "SECRET_KEY"])
def test_a_secret_is_neither_echoed_nor_shown(name: str) -> None:
    assert "hunter2" not in refusal(**{name: "mysql://u:hunter2@db/v"})
    assert "hunter2" not in repr(settings(DATABASE_URL="postgresql://u:hunter2@db/v", SECRET_KEY="hunter2" * 5))


def test_a_page_cannot_be_larger_by_default_than_at_most() -> None:
    assert settings(DEFAULT_COUNT="200", MAX_COUNT="200").default_count == 200
    assert "VESTIBULE_DEFAULT_COUNT (500)" in refusal(DEFAULT_COUNT="500", MAX_COUNT="200")


def test_on_postgres_a_search_cannot_be_given_more_time_than_a_statement() -> None:
    postgres = "postgresql://db/vestibule"
    assert settings(DATABASE_URL=postgres, SEARCH_DEADLINE="5", STATEMENT_TIMEOUT="5").search_deadline == 5
    assert refusal(DATABASE_URL=postgres, SEARCH_DEADLINE="20.5") == (
        "VESTIBULE_SEARCH_DEADLINE (20.5) must not be above VESTIBULE_STATEMENT_TIMEOUT (20)."
    )
    assert settings(SEARCH_DEADLINE="50").search_deadline == 50


def test_settings_stay_as_they_are() -> None:
    with pytest.raises(AttributeError):
        settings().threads = 8  # type: ignore[misc]


@pytest.mark.parametrize("content", [POSTGRES, f"{POSTGRES}\n", f"{POSTGRES}\r\n"])
def test_every_setting_may_stand_in_a_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "url"
    file.write_bytes(content.encode())
    assert settings(DATABASE_URL_FILE=str(file)).database_url == POSTGRES


def test_only_one_newline_at_the_end_of_a_file_is_not_part_of_the_value(tmp_path: Path) -> None:
    file = tmp_path / "threads"
    file.write_text("4\n\n")
    assert refusal(THREADS_FILE=str(file)).startswith("The content of the file in VESTIBULE_THREADS_FILE must be")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing", tmp_path / "binary"
    binary.write_bytes(b"\xff")
    assert refusal(BIND_FILE=str(missing)) == (
        f"VESTIBULE_BIND_FILE names '{missing}', which cannot be read: No such file or directory."
    )
    assert refusal(BIND_FILE=str(binary)).endswith("which is not UTF-8 text.")


def test_a_setting_is_not_given_in_both_ways(tmp_path: Path) -> None:
    sentence = refusal(BIND="127.0.0.1:8081", BIND_FILE=str(tmp_path / "bind"))
    assert sentence == "VESTIBULE_BIND and VESTIBULE_BIND_FILE are both given: leave one of them out."


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATABSE_URL", "VESTIBULE_DATABASE_URL"),
        ("DATABASE_URL_FIL", "VESTIBULE_DATABASE_URL_FILE"),
        ("WORKER", "VESTIBULE_WORKERS"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_setting(name: str, meant: str) -> None:
    assert refusal(**{name: "1"}) == f"VESTIBULE_{name} is not a setting: did you mean {meant}?"


def test_an_unknown_variable_is_refused() -> None:
    assert refusal(XYZZY="1") == "VESTIBULE_XYZZY is not a setting; docs/settings.md lists them all."
    assert refusal(PORT="9000").startswith("VESTIBULE_PORT is not a setting")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("REQUIRE_ALL", "1"),
        ("FUZZ", "40"),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT_HTTP", "8080"),
        ("PORT", "tcp://10.0.0.1:8080"),
        ("PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("WEB_PORT", "tcp://10.0.0.1:8080"),
        ("WEB_SERVICE_PORT", "8080"),
    ],
)
def test_variables_that_others_make_are_passed_over(name: str, text: str) -> None:
    assert settings(**{name: text}) == Settings()


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"BIND": "0.0.0.0:9000"}, "http://127.0.0.1:9000"),
        ({"BIND": "[::]:9000"}, "http://[::1]:9000"),
        ({"BIND": "10.0.0.7:9000"}, "http://10.0.0.7:9000"),
        ({"BIND": "0.0.0.0:9000", "PUBLIC_URL": "https://scim.example.com/"}, "https://scim.example.com"),
    ],
)
def test_urls_begin_with_the_public_url_or_else_with_the_address(variables: dict[str, str], url: str) -> None:
    assert settings(**variables).base_url == url


def test_an_option_is_read_like_its_setting_and_named_as_it_was_given() -> None:
    assert option("workers", "3", "--workers") == 3
    with pytest.raises(SettingError, match=r"^--bind must be an address and a port, such as .*, not 'here'\.$"):
        option("bind", "here", "--bind")
