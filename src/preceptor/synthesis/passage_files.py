"""Files of passages, each text with an id and a place.

| ending             | what is a text                                                        |
| ------------------ | --------------------------------------------------------------------- |
| .txt .md           | the file; its id is the file's name without the ending                |
| .jsonl .jsonl.gz   | a line: ``text``, ``abstract`` or ``passage``; ``title`` goes before; |
|                    | ``id``, ``pmid`` or ``doc_id``, else the file's name and the line     |
| .nbib, or .txt     | a MEDLINE record: title and abstract under its PMID                   |
|  from PubMed       |                                                                       |
| .xml .xml.gz       | a PubmedArticle: likewise                                             |

Records of PubMed without an abstract are passed over: an export of a search holds many. Any other
text that is empty is an error.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from preceptor.errors import SeedError

ENDINGS = (".txt", ".md", ".jsonl", ".jsonl.gz", ".nbib", ".xml", ".xml.gz")
ID_KEYS = ("id", "pmid", "doc_id")
TEXT_KEYS = ("text", "abstract", "passage")

_MEDLINE = re.compile(r"\s*PMID- *\d")


@dataclass(frozen=True, slots=True)
class Text:
    """One text as a file holds it."""

    id: str
    text: str
    source: str
    """File, and line or record in it."""


def read_texts(path: Path) -> Iterator[Text]:
    """The texts of a file, or of all files below a folder whose ending is known, sorted by name.

    Hidden files are passed over.

    Raises:
        SeedError: There is no such file, its ending is not known, it is not UTF-8, damaged, or a
            text in it is empty.
    """
    path = path.expanduser()
    if path.is_file():
        yield from _file(path, path.name)
        return
    if not path.is_dir():
        raise SeedError(f"there is no file or folder {path} of passages; check the path")
    below = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*"))
    for name, file in below:
        hidden = any(part.startswith(".") for part in name.split("/"))
        if file.is_file() and not hidden and file.name.lower().endswith(ENDINGS):
            yield from _file(file, name)


def _file(path: Path, name: str) -> Iterator[Text]:
    ending = max((e for e in ENDINGS if path.name.lower().endswith(e)), key=len, default="")
    if not ending:
        raise SeedError(
            f"{path}: passages are read from files ending in {', '.join(ENDINGS)}; "
            "rename or convert it"
        )
    text = _decoded(path, ending)
    stem = path.name[: -len(ending)]
    if ending.startswith(".jsonl"):
        yield from _json_lines(text, path, name, stem)
    elif ending.startswith(".xml"):
        yield from _pubmed(text, path, name)
    elif ending == ".nbib" or (ending == ".txt" and _MEDLINE.match(text)):
        yield from _medline(text, path, name)
    elif not text.strip():
        raise SeedError(f"{path} is empty; write a passage into it or take it away")
    else:
        yield Text(stem, text, name)


def _decoded(path: Path, ending: str) -> str:
    try:
        content = path.read_bytes()
        if ending.endswith(".gz"):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SeedError(
            f"{path}, line {line}: not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SeedError(f"{path} is not a whole gzip file ({error}); copy it again") from error
    except OSError as error:
        raise SeedError(f"{path} cannot be read ({error.strerror}); check it") from error


def _json_lines(text: str, path: Path, name: str, stem: str) -> Iterator[Text]:
    # Only line feeds end a line: a JSON string may hold U+2028 and its like.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SeedError(f"{where}: not JSON ({error}); write one object a line") from error
        if not isinstance(record, dict):
            raise SeedError(f"{where}: not a JSON object but {type(record).__name__}")
        body = _first(record, TEXT_KEYS, where)
        if not body:
            raise SeedError(f"{where}: no text under {', '.join(TEXT_KEYS)}; fill one of them in")
        id = _first(record, ID_KEYS, where) or f"{stem}-{number}"
        yield Text(id, _titled(_first(record, ("title",), where), body), f"{name}, line {number}")


def _first(record: Mapping[str, Any], keys: tuple[str, ...], where: str) -> str:
    """The first of some fields that says something, or nothing."""
    for key in keys:
        value = record.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SeedError(
                f"{where}: {key!r} is not text but {type(value).__name__}; write it as a string"
            )
        if str(value).strip():
            return str(value).strip()
    return ""


def _titled(title: str, body: str) -> str:
    return f"{title}\n{body}" if title else body


def _medline(text: str, path: Path, name: str) -> Iterator[Text]:
    """MEDLINE's tagged lines: a tag of at most four letters, ``- ``, and what goes on indented."""
    records: list[dict[str, str]] = []
    tag = ""
    for line in text.split("\n"):
        if line[4:6] == "- ":
            tag = line[:4].strip()
            if tag == "PMID":
                records.append({})
            if records and tag not in records[-1]:
                records[-1][tag] = line[6:].strip()
            else:  # repeated, as authors are; of those none is asked for
                tag = ""
        elif line.startswith("      ") and tag:
            records[-1][tag] += " " + line.strip()
        else:
            tag = ""
    if not records:
        raise SeedError(f"{path} holds no MEDLINE record; export it from PubMed once more")
    for number, record in enumerate(records, start=1):
        yield from _record(
            record["PMID"], record.get("TI", ""), record.get("AB", ""), name, path, number
        )


def _pubmed(text: str, path: Path, name: str) -> Iterator[Text]:
    if "<!ENTITY" in text:
        raise SeedError(
            f"{path} declares entities of its own, which can be made to fill the memory"
            "; it is not from PubMed, or was changed"
        )
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise SeedError(f"{path} is not well-formed XML ({error}); download it again") from error
    articles = list(root.iter("PubmedArticle"))
    if not articles:
        raise SeedError(f"{path} holds no PubmedArticle; export it from PubMed as XML")
    for number, article in enumerate(articles, start=1):
        parts = [
            ": ".join(filter(None, (part.get("Label", ""), _inside(part))))
            for part in article.iterfind(".//Abstract/AbstractText")
        ]
        title = article.find(".//ArticleTitle")
        yield from _record(
            article.findtext(".//PMID", ""),
            "" if title is None else _inside(title),
            " ".join(parts),
            name,
            path,
            number,
        )


def _inside(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _record(
    pmid: str, title: str, abstract: str, name: str, path: Path, number: int
) -> Iterator[Text]:
    if not pmid.strip():
        raise SeedError(f"{path}, record {number}: it has no PMID; export it from PubMed once more")
    if abstract.strip():
        yield Text(pmid.strip(), _titled(title, abstract.strip()), f"{name}, record {number}")
