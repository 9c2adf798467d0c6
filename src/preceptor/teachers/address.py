"""Where an endpoint is, and the key that it wants; the key's value never leaves this process but in
the header of a request."""

import ipaddress
import os
import re
from urllib.parse import urlsplit

from preceptor.errors import RecipeError
from preceptor.teachers.bodies import encodable
from preceptor.teachers.config import TeacherConfig

KEYS = re.compile(r"\b(?:sk|pk|gsk|xai|hf|AIza|key)[-_][\w*.-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)
"""What looks like a key, whole or masked by a server."""
OPENAI = "api.openai.com"
SAID = 200
"""Characters of a server's message that are repeated."""


def check_url(url: str) -> str:
    """A base URL without its last slash.

    Raises:
        RecipeError: It is not http or https, has no host, or holds a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(
            f"teacher.endpoint {without_password(url)!r} is not a URL: write one such as "
            "https://api.openai.com/v1 or http://127.0.0.1:8000/v1, or litellm"
        )
    if parts.username or parts.password:
        raise RecipeError(
            f"teacher.endpoint {without_password(url)!r} holds a name or password, which would be "
            "written into manifests: put the key into an environment variable and name it in "
            "teacher.key"
        )
    return url.rstrip("/")


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"//[^/@]*@", "//", url)


def loopback(url: str) -> bool:
    """The URL is of this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_of(config: TeacherConfig) -> str:
    """The key to send; empty for none.

    A key is sent to OpenAI, or to whom the recipe names it for: the default name is no reason to
    give OpenAI's key to somebody else.

    Raises:
        RecipeError: The endpoint wants a key and the environment has none.
    """
    named = "key" in config.model_fields_set
    if not config.key or (loopback(config.endpoint) and not named):
        return ""
    if not named and urlsplit(config.endpoint).hostname != OPENAI:
        raise RecipeError(
            f"{config.endpoint} is not OpenAI's, and the recipe names no key for it: set "
            'teacher.key to the name of the environment variable that holds its key, or to "" if '
            "it needs none"
        )
    key = os.environ.get(config.key, "").strip()
    if not key:
        raise RecipeError(
            f"the environment variable {config.key} is not set: it must hold the key of "
            f'{config.endpoint} (teacher.key names it; "" if none is needed)'
        )
    if not key.isascii() or not key.isprintable():
        raise RecipeError(
            f"the environment variable {config.key} holds characters that no key has: set it again"
        )
    return key


def shown(text: str, key: str = "", most: int = SAID) -> str:
    """What a server said, in one line of at most so many characters, without keys or halves of
    surrogate pairs."""
    text = encodable(text)
    if key:
        text = text.replace(key, "[key]")
    line = " ".join(KEYS.sub("[key]", text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
