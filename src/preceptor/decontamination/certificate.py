"""What was checked against what, with which settings, what was found and what is left.

Plain JSON without times, the same on every run and machine. It names texts by digest, so it can
travel from the mixture to the score; ``verify`` makes it again and says what differs.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from preceptor import __version__, artifact
from preceptor.artifact import file_digest
from preceptor.decontamination.index import Index, build_index
from preceptor.decontamination.items import Benchmark
from preceptor.decontamination.passes import Pass
from preceptor.decontamination.report import Report
from preceptor.decontamination.settings import Settings
from preceptor.errors import ArtifactError, StageError
from preceptor.records import Example

FORMAT = 1
MADE_WITH = "made_with"
"""The part of a certificate that may differ where all else is the same."""


def certify(done: Pass, kept: Iterable[Example]) -> dict[str, Any]:
    """The certificate of a pass.

    Args:
        done: The pass, at its end.
        kept: What it kept, read again from where it was written: they are checked anew.

    Raises:
        StageError: These are not the examples that the pass kept.
    """
    again = _passed(done.index, kept)
    if again.seen.to_json() != done.left.to_json():
        raise StageError(
            f"{again.seen.examples} examples were read again where {done.left.examples} had been "
            "kept, or their texts differ; the file was changed since it was written: run again"
        )
    report = done.report()
    return {
        "certificate": FORMAT,
        MADE_WITH: {
            "preceptor": __version__,
            "code": _code(),
            "unicode": unicodedata.unidata_version,
        },
        **_against(done.index),
        "training": done.seen.to_json(),
        "found": _found(report),
        "removed": {"examples": report.removed, "by_task": report.removed_by_task},
        **_rest(again),
    }


def verify(
    certificate: Mapping[str, Any],
    examples: Iterable[Example],
    benchmarks: Iterable[Benchmark],
    wording: Sequence[str] = (),
) -> tuple[str, ...]:
    """What differs when everything is done again; nothing for a certificate that holds.

    Args:
        certificate: As it was made or read.
        examples: The training examples before anything was removed, in their order.
        benchmarks: What they were checked against.
        wording: As given to ``build_index``.

    Raises:
        ArtifactError: It is no certificate, or of another format.
    """
    index = build_index(benchmarks, _settings(certificate), wording)
    done, again = Pass(index), Pass(index)
    # The second pass draws on the first, so nothing is held.
    for _ in again.kept(done.kept(examples)):
        pass
    report = done.report()
    now = {
        **_against(index),
        "training": done.seen.to_json(),
        "found": _found(report),
        "removed": {"examples": report.removed, "by_task": report.removed_by_task},
        **_rest(again),
    }
    return _differences(certificate, now)


def verify_kept(
    certificate: Mapping[str, Any],
    kept: Iterable[Example],
    benchmarks: Iterable[Benchmark],
    wording: Sequence[str] = (),
) -> tuple[str, ...]:
    """``verify`` from the kept examples alone: a mixture has no others.

    Raises:
        ArtifactError: It is no certificate, or of another format.
    """
    index = build_index(benchmarks, _settings(certificate), wording)
    return _differences(certificate, {**_against(index), **_rest(_passed(index, kept))})


def _passed(index: Index, examples: Iterable[Example]) -> Pass:
    made = Pass(index)
    for _ in made.kept(examples):
        pass
    return made


def _against(index: Index) -> dict[str, Any]:
    return {
        "settings": {**asdict(index.settings), "remove": list(index.settings.remove)},
        "wording": {"texts": len(index.wording), "sha256": artifact.digest(list(index.wording))},
        "against": [{**asdict(one), "passages": list(one.passages)} for one in index.benchmarks],
    }


def _rest(again: Pass) -> dict[str, Any]:
    """What is left, as a pass over it finds it."""
    report = again.report()
    return {
        "kept": again.seen.to_json(),
        "residual": {"removable": report.removed, **_found(report)},
    }


def _found(report: Report) -> dict[str, Any]:
    return {
        "examples": report.kinds,
        "benchmarks": {
            one.benchmark.name: {"items": one.items, "examples": one.examples, "near": one.near}
            for one in report.benchmarks
            if one.touched
        },
    }


def _settings(certificate: Mapping[str, Any]) -> Settings:
    try:
        if certificate["certificate"] != FORMAT:
            raise ArtifactError(
                f"the certificate has format {certificate['certificate']!r}, this version reads "
                f"{FORMAT}; verify it with the version in {MADE_WITH}"
            )
        settings = dict(certificate["settings"])
        return Settings(**{**settings, "remove": tuple(settings["remove"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"this is no certificate of a decontamination ({error}); name certificate.json"
        ) from error


def _differences(certificate: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        line for key in now for line in _unlike(key, certificate.get(key), _plain(now[key]))
    )


def _unlike(where: str, said: Any, found: Any) -> Iterator[str]:
    """Where two JSON values differ, as deep as they are alike."""
    if isinstance(said, dict) and isinstance(found, dict):
        for key in {**said, **found}:
            yield from _unlike(f"{where}.{key}", said.get(key), found.get(key))
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for number, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from _unlike(f"{where}[{number}]", one, other)
    elif said != found:
        yield f"{where}: the certificate has {_shown(said)}, now it is {_shown(found)}"


def _plain(value: Any) -> Any:
    """As JSON would read it back."""
    return json.loads(json.dumps(value))


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


@cache
def _code() -> str:
    """SHA-256 of the sources that decide what is found."""
    folder = Path(__file__).parent
    return artifact.digest({path.name: file_digest(path) for path in sorted(folder.glob("*.py"))})
