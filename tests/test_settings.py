"""settings.py: every name, every default, every mistake."""

import re
from pathlib import Path

import pytest

from remote_assist.settings import PREFIX, Settings, SettingsError, environment_name, read

CONTRACT = (  # noqa: SIM905 - read like the contract
    "HTTP_HOST HTTP_PORT PUBLIC_URL DATA_DIR DATABASE_URL REDIS_URL MEDIA_HOST MEDIA_PORT MEDIA_TCP_PORT "
    "MEDIA_PUBLIC_ADDRESSES DRAIN_S TURN_URLS TURN_SECRET BOOTSTRAP_API_KEY WEBHOOK_ALLOW_PRIVATE"
).split()


def problems_of(**given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read({PREFIX + name: value for name, value in given.items()})
    return caught.value.problems


def test_no_setting_is_needed() -> None:
    """An empty environment gives the defaults of the contract."""
    settings = read({"PATH": "/bin", "HOME": "/root"})
    assert (settings.http_host, settings.http_port, settings.media_port) == ("127.0.0.1", 8080, 10_000)
    assert settings.public_url is None
    assert settings.effective_drain_s() == 0
    assert settings.effective_database_url().endswith("/data/remote-assist.db")


@pytest.mark.parametrize("name", CONTRACT)
def test_contract_names_exist(name: str) -> None:
    """Each name that others rely on is a setting."""
    assert name.lower() in Settings.model_fields


def test_lists_are_comma_separated() -> None:
    """Blanks around entries and empty entries do not count."""
    settings = read(
        {
            "REMOTE_ASSIST_MEDIA_PUBLIC_ADDRESSES": "192.0.2.7 , 2001:db8::1,",
            "REMOTE_ASSIST_TURN_URLS": "turn:a.example,turns:b.example:443",
            "REMOTE_ASSIST_TURN_SECRET": "s",
        }
    )
    assert settings.media_public_addresses == ("192.0.2.7", "2001:db8::1")
    assert settings.turn_urls == ("turn:a.example", "turns:b.example:443")


def test_unknown_name_is_refused_with_the_nearest() -> None:
    """A misspelt setting never passes in silence."""
    assert problems_of(HTP_PORT="80") == [
        "REMOTE_ASSIST_HTP_PORT is no setting; did you mean REMOTE_ASSIST_HTTP_PORT?"
    ]


def test_all_mistakes_come_at_once() -> None:
    """Unknown names and wrong values are reported together."""
    found = problems_of(HTTP_PORT="eighty", MEDIA_PORT="70000", DRAIN_S="-1", WEBHOK_ALLOW_PRIVATE="1")
    assert len(found) == 4
    assert any(problem.startswith("REMOTE_ASSIST_HTTP_PORT: ") for problem in found)
    assert any("REMOTE_ASSIST_WEBHOOK_ALLOW_PRIVATE" in problem for problem in found)


@pytest.mark.parametrize(
    "url", ["assist.example", "ftp://a.example", "https://a.example/#x", "https://a/?q=1"]
)
def test_public_url_must_be_a_base(url: str) -> None:
    """A base of links has a scheme and a host, and neither query nor fragment."""
    assert problems_of(PUBLIC_URL=url)


def test_public_url_loses_its_slash() -> None:
    """Links are made by adding to the base."""
    assert (
        read({"REMOTE_ASSIST_PUBLIC_URL": "https://a.example/help/"}).public_url == "https://a.example/help"
    )


def test_turn_without_secret_is_refused() -> None:
    """A TURN server without credentials would fail later, in the middle of a call."""
    assert problems_of(TURN_URLS="turn:a.example") == [
        "REMOTE_ASSIST_TURN_URLS is set, so REMOTE_ASSIST_TURN_SECRET must be set too."
    ]


def test_bootstrap_key_is_taken_verbatim() -> None:
    """What the operator gave is the key, letter by letter."""
    settings = read({"REMOTE_ASSIST_BOOTSTRAP_API_KEY": "k e.y-1"})
    assert settings.bootstrap_api_key is not None
    assert settings.bootstrap_api_key.get_secret_value() == "k e.y-1"


def test_secrets_are_in_no_text() -> None:
    """Neither the settings' repr nor a refusal shows a secret."""
    canary = "canary-9f31"
    names = ("BOOTSTRAP_API_KEY", "TURN_SECRET")
    settings = read(
        {PREFIX + name: canary for name in names} | {"REMOTE_ASSIST_DATABASE_URL": f"x://{canary}"}
    )
    assert canary not in repr(settings)
    assert canary not in str(settings)
    assert canary not in str(problems_of(BOOTSTRAP_API_KEY=f"\t{canary}", HTTP_PORT="x"))


def test_drain_follows_redis() -> None:
    """One node stops at once; one of many lets its sessions go on for an hour."""
    assert read({"REMOTE_ASSIST_REDIS_URL": "redis://localhost"}).effective_drain_s() == 3600
    assert read({"REMOTE_ASSIST_DRAIN_S": "5"}).effective_drain_s() == 5


def test_settings_are_frozen() -> None:
    """Nothing changes a setting after the start."""
    settings = read({})
    with pytest.raises(ValueError, match="frozen"):
        settings.http_port = 1  # type: ignore[misc]  # the point of the test


def test_configuration_page_is_up_to_date() -> None:
    """docs/configuration.md names every setting with its default and its description."""
    page = (Path(__file__).parent.parent / "docs/configuration.md").read_text()
    described = dict(re.findall(r"^\| `(REMOTE_ASSIST_\w+)` \| .*? \| (.*) \|$", page, re.MULTILINE))
    expected = {environment_name(name): field.description for name, field in Settings.model_fields.items()}
    assert described == expected
