from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.parse import format_task
from preceptor.synthesis.requests import batches
from preceptor.synthesis.seedbank import load_seeds
from preceptor.synthesis.selection import Selection
from tests.synthesis.scripted import ScriptedTeacher, reply

SEEDS = load_seeds("biomedical")
CONFIG = SynthesisConfig(requests=4)
(BATCH,) = batches(CONFIG, SEEDS, ScriptedTeacher(), 0)
LEECH = format_task("Describe what a medical leech is good for.", "none", "Relieving congestion.")


def selection(config: SynthesisConfig = CONFIG) -> Selection:
    return Selection(config, SEEDS, "scripted@f")


def test_a_kept_task_says_how_it_came() -> None:
    chosen = selection()
    chosen.consider(BATCH.requests[0], reply(LEECH))
    (kept,) = chosen.kept
    request = BATCH.requests[0]
    assert (kept.instruction, kept.input, kept.output) == (
        "Describe what a medical leech is good for.",
        "",
        "Relieving congestion.",
    )
    assert (kept.category, kept.category_rule) == ("gen", "writing_verb")
    assert (kept.request_id, kept.position, kept.id) == (request.id, 0, f"{request.id}-0")
    assert kept.seed_ids == request.seed_ids
    assert (kept.prompt_sha256, kept.teacher) == (request.prompt_sha256, "scripted@f")
    assert (kept.prompt_tokens, kept.reply_tokens) == (10, len(LEECH.split()))
    assert kept.sampling == CONFIG.teacher.sampling()
    assert kept.nearest.startswith("bio-")
    assert 0 < kept.nearest_rouge_l <= 0.7
    assert list(kept.verdicts)[-1] == "novelty"
    assert set(kept.verdicts.values()) == {"keep"}


def test_the_first_of_two_alike_is_kept_and_the_second_names_it() -> None:
    chosen = selection()
    for request in BATCH.requests[:2]:
        chosen.consider(request, reply(LEECH))
    (rejected,) = chosen.rejected
    assert (rejected.reason, rejected.request_id) == ("too similar", BATCH.requests[1].id)
    assert rejected.detail == f"ROUGE-L 1.000 to {chosen.kept[0].id}"


def test_a_seed_that_was_not_shown_is_too_similar_and_a_shown_one_is_a_copy() -> None:
    chosen, request = selection(), BATCH.requests[0]
    shown = request.seeds[0]
    other = next(seed for seed in SEEDS if seed not in request.seeds)
    for seed in (shown, other):
        chosen.consider(request, reply(format_task(seed.instruction, "x", "A new answer.")))
    assert [r.reason for r in chosen.rejected] == ["copied demonstration", "too similar"]


def test_the_threshold_is_the_settings() -> None:
    near = LEECH.replace("medical", "hungry")
    for threshold, kept in ((0.7, 1), (0.95, 2)):
        chosen = selection(CONFIG.model_copy(update={"rouge_l": threshold}))
        chosen.consider(BATCH.requests[0], reply(LEECH))
        chosen.consider(BATCH.requests[1], reply(near))
        assert len(chosen.kept) == kept


def test_a_score_equal_to_the_threshold_is_kept() -> None:
    # 7 of 10 tokens on both sides: 0.7 exactly, in rouge_score's arithmetic too.
    first = "Zeta a1 a2 a3 a4 a5 a6 b7 b8 b9"
    second = "Zeta a1 a2 a3 a4 a5 a6 c7 c8 c9"
    chosen = selection()
    chosen.consider(BATCH.requests[0], reply(format_task(first, "", "One thing.")))
    chosen.consider(BATCH.requests[1], reply(format_task(second, "", "Another thing.")))
    assert [kept.nearest_rouge_l for kept in chosen.kept][1] == 0.7


def test_a_dropped_task_is_not_compared_with() -> None:
    chosen = selection()
    chosen.consider(BATCH.requests[0], reply(LEECH.replace("Relieving congestion.", "")))
    chosen.consider(BATCH.requests[1], reply(LEECH))
    assert [r.reason for r in chosen.rejected] == ["empty output"]
    assert len(chosen.kept) == 1


def test_counts_add_up() -> None:
    chosen = selection()
    chosen.consider(BATCH.requests[0], reply(f"{LEECH}\n\n{LEECH}\n\nInstruction: And", False))
    chosen.consider(BATCH.requests[1], reply("No idea."))
    assert chosen.counts() == {
        "tasks_parsed": 2,
        "kept": 1,
        "rejected": {"cut off": 1, "no task": 1, "too similar": 1},
        "kept_by_category": {"gen": 1},
    }
