"""Licences that a task file may name: SPDX ids of what data sets come under, and plain terms."""

SPDX: frozenset[str] = frozenset(
    {
        "AGPL-3.0-only",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-2.0",
        "CC-BY-2.5",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-NC-2.0",
        "CC-BY-NC-3.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-ND-3.0",
        "CC-BY-NC-ND-4.0",
        "CC-BY-NC-SA-3.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-ND-4.0",
        "CC-BY-SA-2.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "GPL-2.0-only",
        "GPL-3.0",
        "GPL-3.0-only",
        "LGPL-3.0-only",
        "MIT",
        "MPL-2.0",
        "ODC-By-1.0",
        "ODbL-1.0",
        "OGL-UK-3.0",
        "PDDL-1.0",
        "Unlicense",
    }
)

TERMS: dict[str, str] = {
    "unstated": "the source says nothing",
    "research only": "free for research, not for every use",
    "public domain": "nobody's",
    "gated": "a data use agreement",
    "various": "parts under different terms",
}
"""For sources without a licence that has an SPDX id."""


def known(licence: str) -> bool:
    """Whether a task file may name it: an id, a term, or several joined by `` AND ``."""
    return all(part in SPDX or part in TERMS for part in licence.split(" AND "))
