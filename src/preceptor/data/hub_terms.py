"""Preceptor's names in the words of the Hugging Face hub."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from preceptor.tasks.licences import SPDX

_LICENCES = {
    "GPL-2.0-only": "gpl-2.0",
    "GPL-3.0-only": "gpl-3.0",
    "LGPL-3.0-only": "lgpl-3.0",
    "AGPL-3.0-only": "agpl-3.0",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
    "OGL-UK-3.0": "other",
    "unstated": "unknown",
}
_CATEGORIES = {
    "natural_language_inference": "text-classification",
    "sentiment": "text-classification",
    "paraphrase": "text-classification",
    "reading_comprehension": "question-answering",
    "closed_book_qa": "question-answering",
    "reading_comprehension_with_commonsense": "question-answering",
    "commonsense": "multiple-choice",
    "coreference": "multiple-choice",
    "struct_to_text": "table-to-text",
    "translation": "translation",
    "summarization": "summarization",
    "qa": "question-answering",
    "ie": "token-classification",
}
_DTYPES = {"double": "float64", "float": "float32", "halffloat": "float16"}
"""Arrow's names of types that ``datasets`` calls otherwise."""
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_LANGUAGES = frozenset(
    re.findall(
        r"\w+",
        """
        ar bg bn ca cs da de el en es et fa fi fr gu ha he hi hr hu id is it ja kk km ko lt lv mr
        nl no pl ps pt ro ru sk sl sr sv sw ta te th tr uk ur vi zh
        """,
    )
)


def licence_id(licences: Iterable[str]) -> str:
    """The hub's id where all is under one licence that it knows; else ``other``."""
    found = set(licences)
    if len(found) != 1:
        return "other" if found else "unknown"
    only = found.pop()
    if only in _LICENCES:
        return _LICENCES[only]
    return only.lower() if only in SPDX else "other"


def task_categories(names: Iterable[str]) -> list[str]:
    """The hub's task categories of clusters and categories, and text generation in any case."""
    found = {_CATEGORIES[name] for name in names if name in _CATEGORIES}
    return ["text-generation", *sorted(found)]


def size_category(records: int) -> str:
    """The hub's class of sizes."""
    return next((name for least, name in _SIZES if records < least), "100M<n<1B")


def languages(translated: Iterable[str]) -> list[str]:
    """English, and what the names of translation tasks name (``wmt16_ro_en``,
    ``wmt14_enfr``)."""
    parts = {part for name in translated for part in re.split(r"[_\-]", name.lower())}
    pairs = {half for part in parts if len(part) == 4 for half in (part[:2], part[2:])}
    return ["en", *sorted((parts | pairs) & _LANGUAGES - {"en"})]


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """Columns as ``dataset_info`` writes them."""
    return [{"name": column.name, **_feature(column.type)} for column in schema]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("struct", inner.get("dtype", inner))}
    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return {"struct": [{"name": one.name, **_feature(one.type)} for one in fields]}
    return {"dtype": _DTYPES.get(str(kind), str(kind))}


def front_matter(
    *,
    title: str,
    language: list[str],
    licences: Iterable[str],
    categories: list[str],
    records: int,
    tags: list[str],
    data_files: Mapping[str, str],
    info: Mapping[str, Any],
) -> dict[str, Any]:
    """The head of a data set's README, in the order in which the hub documents it."""
    found: dict[str, Any] = {
        "pretty_name": title,
        "language": language,
        "license": licence_id(licences),
        "task_categories": categories,
        "size_categories": [size_category(records)],
        "tags": tags,
    }
    if data_files:
        found["configs"] = [
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": p} for s, p in data_files.items()],
            }
        ]
    if info:
        found["dataset_info"] = dict(info)
    return found
