import builtins
from typing import Any

import pytest

from preceptor.errors import RecipeError
from preceptor.synthesis.filters import Context, FilterConfig, judge
from preceptor.synthesis.filters.language import _load, check_language
from preceptor.synthesis.parse import Parsed

pytest.importorskip("py3langid", reason="LANGUAGES NOT TESTED: install preceptor[language]")

ENGLISH = FilterConfig(language="en", min_instruction_words=1)


def reason(
    instruction: str = "Explain the result to the reader.",
    input: str = "",
    output: str = "Too high.",
    config: FilterConfig = ENGLISH,
) -> str:
    judged = Parsed(0, instruction, input, output, "")
    drop = judge(judged, Context((), frozenset()), config).drop
    return drop.reason if drop else ""


GERMAN = "Der Patient klagt seit gestern über starke Schmerzen in der Brust."


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "Le patient se plaint de fortes douleurs thoraciques depuis hier.",
        "El paciente refiere dolor de pecho intenso desde ayer por la noche.",
        "患者自昨日起出现剧烈胸痛,伴有呼吸困难和出汗。",
        "Пациент со вчерашнего дня жалуется на сильную боль в груди.",  # noqa: RUF001
    ],
)
def test_another_language_in_instruction_or_output(text: str) -> None:
    assert reason(output=text) == "other language"
    assert reason(instruction=text) == "other language"
    assert reason(input=text) == ""


@pytest.mark.parametrize(
    "output",
    [
        "Antihypertensive: Metoprolol, Analgesic: Ibuprofen, Antibiotic: Penicillin.",
        "1. Angiotensin-converting enzyme (ACE) inhibitors\n2. Angiotensin II receptor blockers",
        "Clostridioides difficile, Staphylococcus aureus, Klebsiella pneumoniae, Candida albicans",
        "Musculus sternocleidomastoideus; arteria carotis communis",
        "BRCA1, TP53, EGFR, KRAS, HER2, ALK, ROS1",
        "Hb 9.1 g/dL, MCV 71 fL, ferritin 8 ng/mL, CRP <5 mg/L",
    ],
)
def test_short_biomedical_english_is_not_taken_for_latin(output: str) -> None:
    assert reason(output=output) == ""


def test_a_translation_may_be_in_any_language() -> None:
    assert reason("Translate the sentence for her family.", "She has pain.", GERMAN) == ""
    assert reason("Say it to the patient in German.", "", GERMAN) == ""


def test_the_language_is_a_setting_and_off_unless_asked_for() -> None:
    assert reason("Erkläre dem Patienten bitte den Befund genau.", "", GERMAN, FilterConfig()) == ""
    german = FilterConfig(language="de")
    assert reason("Erkläre dem Patienten bitte den Befund genau.", "", GERMAN, german) == ""
    assert reason(config=german, output="She has had strong pain in her chest.") == "other language"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(RecipeError, match="the language 'english' is not known"):
        reason(config=FilterConfig(language="english"))
    with pytest.raises(RecipeError, match="the language 'english' is not known"):
        check_language(FilterConfig(language="english"))
    check_language(FilterConfig())
    check_language(ENGLISH)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_identifier(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("py3langid"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    _load.cache_clear()
    monkeypatch.setattr(builtins, "__import__", no_identifier)
    with pytest.raises(RecipeError, match=r"pip install 'preceptor\[language\]'"):
        reason()
