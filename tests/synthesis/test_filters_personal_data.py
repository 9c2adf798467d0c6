import pytest

from preceptor.synthesis.filters import Context, FilterConfig, judge
from preceptor.synthesis.filters.personal_data import KINDS, personal_data
from preceptor.synthesis.parse import Parsed


def kind(text: str) -> str:
    judged = Parsed(0, "Explain the note to her.", text, "It is explained.", "")
    drop = personal_data(judged, Context((), frozenset()), FilterConfig())
    return drop.detail.removesuffix(" in the input") if drop else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to jane.q-doe+lab@st-marys.nhs.uk today.", "e-mail address"),
        ("Her number is (212) 469-8202.", "phone number"),
        ("Reach him on 713-853-3399 at night.", "phone number"),
        ("Reach him on +44 20 7946 0958.", "phone number"),
        ("Reach him on +49 (0)30 901820.", "phone number"),
        ("Tel: 030 90 18 20", "phone number"),
        ("Please call me at 2125051234", "phone number"),
        ("His SSN is 078-05-1120.", "social security number"),
        ("Paid with 4111 1111 1111 1111.", "card number"),
        ("Paid with 378282246310005.", "card number"),
        ("MRN: 5484367", "record number"),
        ("Medical record number is 123546.", "record number"),
        ("NHS number 943 476 5919", "record number"),
        ("Patient ID #A-12345", "record number"),
        ("DOB 4/28/1967", "date of birth"),
        ("date of birth is January 15th, 1962", "date of birth"),
        ("Date of birth: 1962-01-15", "date of birth"),
        ("Logged in from 93.184.216.34 at noon.", "IP address"),
        ("Logged in from 2606:2800:220:1:248:1893:25c8:1946.", "IP address"),
        ("Lives at 221B Baker Street.", "street address"),
        ("Lives at 12 Oak Hill Rd., Springfield.", "street address"),
        ("Lives at 950 17th Street.", "street address"),
        ("Wohnt in der Lindenstraße 12.", "street address"),
        ("Send it to P.O. Box 1234.", "street address"),
    ],
)
def test_what_is_personal(text: str, expected: str) -> None:
    assert kind(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80 mmHg, HR 72, T 37.2, SpO2 98%, weight 72.5 kg",
        "Na 138, K 4.2, Cl 102, HCO3 24, BUN 14, Cr 0.9, glucose 105",
        "Trial NCT01234567 and ISRCTN12345678, EudraCT 2004-000446-20",
        "PMID: 31234567, PMC6763476, doi:10.1056/NEJMoa2034577",
        "BRCA1 c.5266dupC, rs121913529, chr17:43044295-43125483, ENSG00000141510",
        "EC 3.4.21.4 and EC 1.14.14.1 are enzymes; section 1.2.3.4 says so.",
        "Take 500 mg twice daily, 1000-2000 mg a day, or 100-200-300 units.",
        "Heparin 5000 units, then 1000 units/hour; 1 000 000 IU of vitamin A",
        "ICD-10 E11.9, CPT 99213, LOINC 2345-7, CAS 50-78-2, SNOMED 44054006",
        "NDC 0069-2587-10, lot 123-45-6789-X",
        "Call 911 or poison control at 1-800-222-1222.",
        "Call (555) 123-4567, or me at 212-555-0134.",
        "Write to info@example.org, or user@test.",
        "Admitted on 12/03/2021, discharged 15/03/2021; born in 1962.",
        "Version 10.0.0.1 of the server at 192.168.1.10 and 127.0.0.1",
        "In 2 Dr visits and 120 CT scans, 3 St elevations were seen.",
        "Barcode 4111 1111 1111 1112 and accession 1234567890123456",
        "Contact lenses: 14 days. Cell count 4500000 per mL. Cell 12 345 678/L",
        "Patients 12 to 65 years; patient number 3 died. Chart 2 shows it.",
        "The chromosome region 17q21.31, HLA-B*57:01, CD4 350 cells/mm3",
        "Ratio 1:2:3:4:5:6:7:8 of dilutions, 9.1.2.3.4",
        "6 East Asian Way of Life studies; 5 French catheters",
    ],
)
def test_what_medicine_is_full_of_is_not(text: str) -> None:
    assert kind(text) == ""


def test_the_datum_itself_is_not_repeated() -> None:
    judged = Parsed(0, "Write to her at a.b@c-d.org today.", "", "Done.", "")
    drop = judge(judged, Context((), frozenset())).drop
    assert drop is not None
    assert (drop.reason, drop.detail) == ("personal data", "e-mail address in the instruction")


def test_a_task_to_remove_such_data_has_to_have_some() -> None:
    judged = Parsed(0, "Remove the identifiers from this note.", "DOB 4/28/1967", "[DATE]", "")
    assert judge(judged, Context((), frozenset())).drop is None


def test_every_kind_can_be_found() -> None:
    assert len({name for name, _ in KINDS}) == len(KINDS) == 8
