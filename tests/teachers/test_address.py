"""URLs and keys: what is refused, where a key is sent, and that it is shown nowhere."""

import pytest

from preceptor.errors import RecipeError
from preceptor.teachers.address import check_url, key_of, loopback, shown
from preceptor.teachers.config import TeacherConfig

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize("url", [OPENAI, OPENAI + "/", "http://127.0.0.1:8000/v1"])
def test_a_base_url_loses_its_last_slash(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize("url", ["api.openai.com/v1", "ftp://x/v1", "https:///v1", "openai"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(RecipeError, match="is not a URL"):
        check_url(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(RecipeError, match="holds a name or password") as caught:
        check_url("https://me:hunter2@example.org/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.example.org/v1", False),
        (OPENAI, False),
    ],
)
def test_this_machine_is_told_from_others(url: str, here: bool) -> None:
    assert loopback(url) is here


def teacher(endpoint: str, **given: str) -> TeacherConfig:
    return TeacherConfig(model="m", endpoint=endpoint, **given)  # type: ignore[arg-type]


def test_openais_key_is_sent_to_openai_and_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-1\n")
    assert key_of(teacher(OPENAI)) == "sk-1"
    assert key_of(teacher("http://127.0.0.1:8000/v1")) == ""
    with pytest.raises(RecipeError, match=r"names no key for it: set teacher\.key"):
        key_of(teacher("https://api.example.org/v1"))


def test_a_key_that_is_named_is_sent_to_whom_it_is_named_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSE_KEY", "abc")
    for url in ("https://api.example.org/v1", "http://127.0.0.1:8000/v1"):
        assert key_of(teacher(url, key="HOUSE_KEY")) == "abc"
        assert key_of(teacher(url, key="")) == ""


def test_a_key_that_is_missing_or_impossible_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(RecipeError, match="OPENAI_API_KEY is not set"):
        key_of(teacher(OPENAI))
    monkeypatch.setenv("OPENAI_API_KEY", "geheimß")
    with pytest.raises(RecipeError, match="OPENAI_API_KEY holds characters") as caught:
        key_of(teacher(OPENAI))
    assert "geheim" not in str(caught.value)


def test_what_a_server_said_is_fit_for_utf_8() -> None:
    assert shown("no \ud83d such \U0001f600") == "no ? such \U0001f600"


def test_what_a_server_said_is_one_short_line_without_keys() -> None:
    said = shown("bad key my.own\nfor  sk-proj-abcdefgh and\tBearer tok123 " + "x" * 500, "my.own")
    assert said.startswith("bad key [key] for [key] and Bearer [key] xxx")
    assert len(said) == 200
    assert shown("max_tokens is too large") == "max_tokens is too large"
