"""What the rules for categories look for: verbs that open an instruction, and phrases in it."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})", re.IGNORECASE | re.MULTILINE)


def _verbs(text: str) -> re.Pattern[str]:
    """Matches an instruction that begins with one of the words."""
    return re.compile(rf"(?:\w+ly\s+)?(?:{'|'.join(text.split())})\b", re.IGNORECASE)


JUDGING = _verbs(
    "classify categori[sz]e rank order arrange sort prioriti[sz]e triage decide determine assess"
    " evaluate check assign label predict calculate compute convert translate transcribe diagnose"
    " interpret de-?identify anonymi[sz]e remove correct score estimate distinguish differentiate"
    " judge verify analy[sz]e grade"
)
EXTRACTING = _verbs(
    "extract capture copy collect pull record tabulate fill match highlight locate parse note"
    " report return detect find"
)
COMPOSING = _verbs(
    "write draft compose prepare create generate devise design develop produce formulate construct"
    " build invent imagine summari[sz]e condense boil shorten paraphrase rewrite rephrase rework"
    " reword simplify reply respond"
)
ADVISING = _verbs("suggest propose recommend advise offer counsel plan")
ASKING = _verbs(
    "what which who whom whose when where why how is are do does did can could should will would"
    " may has have answer explain define state name list select choose pick identify describe"
    " discuss outline provide give mention tell indicate compare contrast illustrate enumerate"
    " elaborate specify clarify deduce help set break comment"
)
INTO_TEXT = re.compile(
    r"(?:convert|transform|translate|turn)\b.*\b(?:in)?to an? (?:[\w-]+,? )*?"
    r"(?:notes?|versions?|summary|letter|instructions|paragraph|handout|leaflet|story)\b",
    re.IGNORECASE,
)
COMPARING = _verbs("compare contrast")
SUMMARISING = _verbs("summari[sz]e")
VERBS = (JUDGING, EXTRACTING, COMPOSING, ADVISING, ASKING)

POLITE = re.compile(r"^(?:please|kindly)\s+", re.IGNORECASE)
LEAD_IN = re.compile(
    r"^(?:given|provided|based on|according to|using|from|considering|after|for|in|with)\b",
    re.IGNORECASE,
)
BREAK = re.compile(r",\s+(?:please\s+|and\s+)?", re.IGNORECASE)
"""Where a main clause can begin after what leads up to it."""
OPTION_LETTERS = tuple(re.compile(rf"\b{letter}\s?[.):] ") for letter in "ABC")
OPTIONS_NAMED = _any(r"(?:three|four|five|multiple)[- ](?:options|choices?)\b", r"^options:")
LAYOUT = _any(
    r"json\b",
    r"semicolons?\b",
    r"(?:one|each|every) \w+ (?:per|on each) line\b",
    r"per line\b",
    r"field: value\b",
    r"labelled lines\b",
    r"as \w+: \w+",
    r"pairs\b",
)
NOT_STATED = re.compile(
    r"\s*(?:the|this|that) (?:\w+ ){1,3}?(?:does|do|did) not (?:\w+ )?"
    r"(?:state|say|report|mention|give|specify|contain|name|record|describe)\b",
    re.IGNORECASE,
)
LAY_WORDS = _any(
    r"(?:plain|simple|simpler|simplified|lay|everyday|jargon-free|non-technical|understandable)"
    r" (?:\w+ )?(?:language|words|terms|english|form|manner)\b",
    r"lay(?:person|man|people)\b",
    r"(?:lay|general|non-medical|non-technical) (?:audience|readers?|public)\b",
    r"jargon\b",
    r"(?:could|can) (?:easily )?(?:understand|follow)\b",
    r"(?:patient-friendly|easier[- ]to[- ]understand|easy[- ]to[- ]understand)\b",
)
_CASE = (
    r"(?:symptoms?|vital signs|findings|vignette|scenario|presentation|medical history|history"
    r"|clinical case|case|profile|complaints?|concerns?)\b"
)
_RESULTS = (
    r"(?:vital signs|vitals|lab(?:oratory)?|test|blood|imaging|health|patient) (?:\w+ ){0,2}"
    r"(?:provided|below|described|results?|values?|reports?|findings|data)\b"
)
CASE_IN_LEAD = _any(
    _CASE, _RESULTS, r"(?:medical|clinical) (?:reports?|records?|charts?|notes?)\b", r"data\b"
)
CASE_IN_ASK = _any(
    r"(?:given|these|following|described|provided|based on|from|by|each|patient['’]?s?|in an?)"  # noqa: RUF001 (both apostrophes are meant)
    rf" (?:\w+,? ){{0,5}}?{_CASE}",
    _RESULTS,
    r"for (?:this|the) (?:patient|woman|man|child|girl|boy|infant|person)\b",
    r"this \w+(?: \w+)? (?:pain|eye|child|patient|rash|cough)\b",
)
FINDING = _any(
    r"diagnos",
    r"differential\b",
    r"(?:conditions?|disorders?|diseases?|illness|infections?|injury|injuries)\b",
    r"(?:possible|potential|likely|probable|underlying) (?:\w+ )?"
    r"(?:causes?|reasons?|explanations?)\b",
    r"causes? of\b",
    r"special(?:ty|ist)\b",
    r"professional\b",
    r"tests?\b",
    r"imaging\b",
    r"next step\b",
    r"procedure\b",
    r"stage\b",
    r"severity\b",
    r"red flags?\b",
    r"risks?\b",
    r"issues?\b",
    r"concerns?\b",
    r"side effects?\b",
    r"medication\b",
    r"abnormal",
    r"bias\b",
    r"interactions?\b",
    r"(?:patterns?|trends?)\b",
)
VERDICT = _any(
    r"whether\b",
    r"identify if\b",
    r"eligib",
    r"entail",
    r"contradict",
    r"icd(?:-\d+)?\b",
    r"codes?\b",
    r"interpret",
    r"assessment\b",
    r"fact or (?:an )?opinion\b",
    r"differential\b",
    r"(?:possible|potential|likely|probable|provide a|suggest a|make a) diagnos[ie]s\b",
    r"in order of likelihood\b",
    r"in the context of the patient",
    r"(?:spelling|grammar|grammatical|medical|transcription)(?: \w+)? (?:errors?|mistakes?)\b",
    r"ethical (?:issues?|dilemmas?|concerns?)\b",
    r"absolute risk\b",
    r"type of bias\b",
)
ASKED_OF_TEXT = re.compile(
    r"(?:answer\w* yes or no\b.*|is|are|does|do|did|can|has|have|was|were|should)\b", re.IGNORECASE
)
ADVICE = _any(
    r"recommendations?\b",
    r"(?:care|treatment|diet|meal|exercise|management|action|\w+care) (?:plan|program)",
    r"plans?\b",
    r"guidance\b",
    r"suggestions?\b",
    r"advice\b",
    r"tips\b",
    r"course of action\b",
    r"(?:preventive|preventative|control|safety) measures\b",
    r"interventions?\b",
    r"follow-?up questions\b",
    r"questions (?:that|to|for)\b",
    r"first aid\b",
    r"(?:a|an|the|key|second|brief|concise|short) summar(?:y|ies)\b",
    r"summari[sz]e\b",
    r"title\b",
    r"hypothes[ei]s\b",
    r"lifestyle\b",
    r"paragraph\b",
)
DESCRIBING = re.compile(
    r"\w+ (?:an? )?(?:\w+,? )?(?:descriptions?|explanations?|definitions?|overviews?"
    r"|(?:ranked )?lists?)\b (?:of|how|for)\b",
    re.IGNORECASE,
)
REFERENCE = _any(r"interactions?\b", r"(?:medical|biomedical) term\b(?! spelling)")
