import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.filters import FLAGS, flags
from preceptor.synthesis.filters.flags import DOSE_NOT_GIVEN
from preceptor.synthesis.parse import Parsed


def raised(text: str) -> set[str]:
    return set(flags(Parsed(0, "Explain it.", text, "", "")))


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Temperature was 98.6 °C.", "temperature"),
        ("a fever of 39.5 °F since Monday", "temperature"),
        ("Temp 23 C, HR 80", "temperature"),
        ("Temperature: 120 degrees Fahrenheit", "temperature"),
        ("Heart rate 800 bpm", "heart_rate"),
        ("HR: 8 bpm", "heart_rate"),
        ("HR 720 /min", "heart_rate"),
        ("pulse was 1200", "heart_rate"),
        ("Blood pressure 80/120", "blood_pressure"),
        ("BP is 120/12 today", "blood_pressure"),
        ("It was 90/140 mmHg.", "blood_pressure"),
        ("BP 1200/80, later BP 420/80", "blood_pressure"),
        ("SpO2 was 104% on air", "oxygen_saturation"),
        ("oxygen saturation of 980 %", "oxygen_saturation"),
        ("It helps 120% of patients.", "share_over_100"),
        ("Give 5.0 mg now.", "trailing_zero"),
        ("Take 2.0 tablets.", "trailing_zero"),
        ("Give .5 mg now.", "naked_decimal"),
        ("levothyroxine 50 µg daily", "microgram_sign"),
        ("levothyroxine 50 ug daily", "microgram_sign"),
        ("Give 5 mg/mcg of it.", "two_units"),
        ("It was 37.5 °C °F.", "two_units"),
        ("Take 500 mg three times daily (2000 mg/day).", "daily_dose"),
        ("Take 500 mg BID, for a total of 1500 mg.", "daily_dose"),
        ("Give 1 g every 6 hours, total daily dose 3 g.", "daily_dose"),
        ("Give 900 mg/day divided into 200 mg three times a day.", "daily_dose"),
        ("Give 1 g q8h, i.e. 4000 mg daily.", "daily_dose"),
    ],
)
def test_what_cannot_be(text: str, flag: str) -> None:
    assert raised(text) == {flag}


@pytest.mark.parametrize(
    "text",
    [
        "Temperature 37.2 °C, HR 72 bpm, BP 120/80 mmHg, SpO2 98%",
        "Temp 101.3 F; pulse 110; BP 85/50",
        "Store at a temperature of -20 °C. Annealing temperature 55 °C.",
        "Room temperature was 21 °C.",
        "HR 2.1 (95% CI 1.2-3.4); hazard ratio HR: 3",
        "Pulses 2+ in both feet; pulse 2",
        "The mouse had a heart rate of 600 bpm.",
        "Pulmonary artery pressure 25/10 mmHg",
        "FEV1 was 110% of predicted; a 150% increase; 100% of patients",
        "Hb 13.0 g/dL, creatinine 1.0 mg/dL, TSH 2.0 mU/L",
        "A specimen of 2.0 g, a volume of 10.0 mL",
        "Give 0.5 mg. Version 2.5 mg. The p was .05.",
        "CRP 5 µg/mL, lead 4 µg/dL, B12 300 pg/mL",
        "albumin/creatinine 30 mg/g, calprotectin 50 mcg/g, 5 mcg/kg/min, 2 mg/kg",
        "Take 500 mg three times daily (1500 mg/day).",
        "Take 1 g every 6 hours, to a maximum total of 3 g a day.",
        "Take 500-1000 mg twice daily, total 2 g.",
        "Ritalin 60 mg per day in the morning, clonazepam 2 mg twice a day as needed.",
        "aspirin 81 mg daily, Brilinta 90 mg twice a day, lisinopril 20 mg a day",
        "Take 0.5 g twice a day, in total 1000 mg.",
    ],
)
def test_what_can_be(text: str) -> None:
    assert raised(text) == set()


def test_a_dose_that_the_output_brings_in_is_to_be_checked() -> None:
    def seen(output: str, input: str = "Weight 70 kg, aspirin 1 g", passage: str = "") -> str:
        task = Parsed(0, "Say how much.", input, output, "")
        return flags(task, passage).get(DOSE_NOT_GIVEN, "")

    assert seen("Take 500 mg now.") == "output: 500 mg"
    assert seen("Take 1000 mg, or 1,000 mg, or 1 gram.") == ""
    assert seen("Take 500 mg now.", passage="500 mg were given") == ""
    assert seen("Take 500 mg now.", input="250-500 mg") == ""
    assert seen("Give 5000 units.", input="5,000 IU") == ""
    assert seen("Give 5 mcg.", input="5 mg") == "output: 5 mcg"
    assert seen("Glucose 95 mg/dL, weight 70 kg, age 5 years.", input="") == ""


def test_a_flag_shows_the_text_and_its_field() -> None:
    task = Parsed(0, "Explain 5.0 mg.", "BP 80/120", "Take .5 mg.", "")
    assert flags(task) == {
        "blood_pressure": "input: BP 80/120",
        "trailing_zero": "instruction: 5.0 mg",
        "naked_decimal": "output: .5 mg",
    }


@given(
    st.text()
    | st.lists(st.sampled_from(["5", " mg", "/", "BP ", ".", "HR ", "°C", "µg"])).map("".join)
)
def test_no_text_makes_a_flag_raise(text: str) -> None:
    found = flags(Parsed(0, text, text, text, ""))
    assert set(found) <= {*FLAGS, DOSE_NOT_GIVEN}
    assert all(found.values())
