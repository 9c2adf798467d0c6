"""A data set card: what the hub reads at its head, and what people read below."""

import yaml

from preceptor.data import card_sections as sections
from preceptor.data.card_sections import Subject
from preceptor.data.facts import Facts
from preceptor.data.hub_terms import front_matter, languages, task_categories

CITATIONS = """\
```bibtex
@inproceedings{wei2022finetuned,
  title     = {Finetuned Language Models Are Zero-Shot Learners},
  author    = {Jason Wei and Maarten Bosma and Vincent Y. Zhao and Kelvin Guu and Adams Wei Yu and
               Brian Lester and Nan Du and Andrew M. Dai and Quoc V. Le},
  booktitle = {International Conference on Learning Representations},
  year      = {2022},
  url       = {https://arxiv.org/abs/2109.01652}
}
@article{tran2024bioinstruct,
  title   = {{BioInstruct}: Instruction Tuning of Large Language Models for Biomedical Natural
             Language Processing},
  author  = {Hieu Tran and Zhichao Yang and Zonghai Yao and Hong Yu},
  journal = {Journal of the American Medical Informatics Association},
  year    = {2024},
  url     = {https://arxiv.org/abs/2310.19975}
}
```"""


def write_card(subject: Subject, facts: Facts) -> str:
    """The README of a data set."""
    known = facts.licences or list(subject.licences)
    known_tasks = [subject.library[name] for name in facts.tasks if name in subject.library]
    translated = [
        task.source.folder or task.name for task in known_tasks if task.cluster == "translation"
    ]
    head = front_matter(
        title=subject.title,
        language=languages(translated),
        licences=known,
        categories=task_categories([*facts.clusters, *facts.categories]),
        records=facts.records,
        tags=_tags(facts),
        data_files=subject.data_files,
        info=subject.info,
    )
    parts = [
        f"# {subject.title}",
        f"{subject.what} {facts.records:,} records.",
        _section("Fields", sections.fields(subject.columns)),
        _section("How it was made", sections.made(subject)),
        _section("Held out", sections.held_out(subject.manifest)),
        _section(
            "Overlap with evaluation sets", sections.compared(subject.manifest, subject.certificate)
        ),
        _section("Licences", sections.licences(facts, subject)),
        _section("Counts", sections.counts(facts)),
        _section("Lengths", sections.lengths(facts)),
        _section("Known limits", sections.limits(facts, known)),
        _section("Citation", f"The methods are those of two papers.\n\n{CITATIONS}"),
    ]
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10**9)
    return f"---\n{text}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _tags(facts: Facts) -> list[str]:
    tags = ["instruction-tuning", "preceptor"]
    if facts.clusters:
        tags.append("flan")
    if facts.categories:
        tags += ["biomedical", "bioinstruct"]
    return tags
