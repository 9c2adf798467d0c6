"""Facts of a run that never was, with every part of the page filled."""

from preceptor import draws
from preceptor.report.facts import (
    BIOMEDICAL,
    HELD_OUT,
    ChangedItem,
    EvaluationFacts,
    ExampleSample,
    GroupResult,
    KeptInstruction,
    MixtureFacts,
    MixtureLine,
    ModelResult,
    OverlapFacts,
    RejectedInstruction,
    ReportFacts,
    StageFacts,
    SynthesisFacts,
    TaskResult,
    TuningFacts,
)
from preceptor.statistics.intervals import mean_interval, spread
from preceptor.statistics.paired import holm, paired_difference

Items = tuple[list[float], list[float], list[str]]
TASKS = (
    # task, title, cluster, category, rows, base score, tuned score
    ("rte", "Recognising Textual Entailment", "natural_language_inference", "", 90, 0.52, 0.63),
    ("cb", "CommitmentBank", "natural_language_inference", "", 40, 0.40, 0.44),
    ("does_it_follow", "Does It Follow?", "natural_language_inference", "", 24, 0.5, 0.52),
    ("bench_questions", "Bench questions", "", "qa", 30, 0.36, 0.60),
    ("med_qa", "MedQA (four options)", "", "qa", 60, 0.27, 0.26),
    ("drug_orders", "Drug orders", "", "ie", 25, 0.31, 0.18),
    ("plain_words", "Plain words for findings", "", "gen", 12, 0.22, 0.29),
)
TEMPLATES = [f"template_{i}" for i in range(7)]


def items_of(task: str, rows: int, base: float, tuned: float) -> Items:
    """0/1 scores of both models on each row under each template."""
    first, second, clusters = [], [], []
    for row in range(rows):
        hard = draws.uniform(1, task, row)
        for template in TEMPLATES:
            wobble = 0.35 * (draws.uniform(2, task, row, template) - 0.5)
            first.append(float(hard + wobble < base))
            second.append(float(hard + 0.8 * wobble < tuned))
            clusters.append(f"{task}/test/{row}")
    return first, second, clusters


def model_result(values: list[float], clusters: list[str], unreadable: int = 0) -> ModelResult:
    count = len(TEMPLATES)
    means = {
        template: sum(values[i::count]) / len(values[i::count])
        for i, template in enumerate(TEMPLATES)
    }
    return ModelResult(
        mean_interval(values, clusters, resamples=300),
        spread(list(means.values())),
        means,
        unreadable,
    )


def task_results() -> tuple[TaskResult, ...]:
    scored = [items_of(task, rows, base, tuned) for task, _, _, _, rows, base, tuned in TASKS]
    paired = [paired_difference(*items, resamples=300) for items in scored]
    adjusted = holm([found.p_value for found in paired])
    return tuple(
        TaskResult(
            task=task,
            title=title,
            cluster=cluster,
            category=category,
            role=HELD_OUT if cluster else BIOMEDICAL,
            kind="generation" if category in ("ie", "gen") else "options",
            metric={"ie": "entity_f1", "gen": "rouge_l"}.get(category, "accuracy"),
            n_rows=rows,
            n_templates=len(TEMPLATES),
            chance={"qa": 0.25, "": 0.5}.get(category),
            base=model_result(first, clusters, unreadable=4 if category == "ie" else 0),
            tuned=model_result(second, clusters, unreadable=1 if category == "ie" else 0),
            paired=found,
            p_holm=p_holm,
            excluded={"longer than the model's window": 3} if task == "med_qa" else {},
        )
        for (task, title, cluster, category, rows, _, _), (
            first,
            second,
            clusters,
        ), found, p_holm in zip(TASKS, scored, paired, adjusted, strict=True)
    )


def group_results() -> tuple[GroupResult, ...]:
    names = {
        "": ("the held-out cluster (natural language inference)", "accuracy"),
        "qa": ("biomedical question answering", "accuracy"),
        "ie": ("biomedical information extraction", "entity_f1"),
        "gen": ("biomedical generation", "rouge_l"),
    }
    pooled: dict[str, Items] = {key: ([], [], []) for key in names}
    for task, _, _, category, rows, base, tuned in TASKS:
        first, second, clusters = items_of(task, rows, base, tuned)
        pooled[category][0].extend(first)
        pooled[category][1].extend(second)
        pooled[category][2].extend(clusters)
    paired = {key: paired_difference(*items, resamples=300) for key, items in pooled.items()}
    adjusted = holm([found.p_value for found in paired.values()])
    return tuple(
        GroupResult(
            name=name,
            metric=metric,
            tasks=tuple(task for task, _, _, category, *_ in TASKS if category == key),
            base=mean_interval(pooled[key][0], pooled[key][2], resamples=300),
            tuned=mean_interval(pooled[key][1], pooled[key][2], resamples=300),
            paired=paired[key],
            p_holm=p_holm,
        )
        for (key, (name, metric)), p_holm in zip(names.items(), adjusted, strict=True)
    )


def evaluation_facts() -> EvaluationFacts:
    prompt = (
        "The ferry to the island runs twice a day in winter.\n"
        'Can we conclude from this that "there is a ferry in January"?\n\n'
        "OPTIONS:\n- yes\n- no"
    )
    return EvaluationFacts(
        base_model="SmolLM2-135M-Instruct",
        tuned_model="SmolLM2-135M-Instruct with adapter tune-9c1d22e0a7b4",
        level=0.95,
        groups=group_results(),
        tasks=task_results(),
        better=(
            ChangedItem("rte", prompt, "yes", "no", "yes"),
            ChangedItem(
                "bench_questions",
                "Which organ makes insulin?\n\nOPTIONS:\n- the liver\n- the pancreas",
                "the pancreas",
                "the liver",
                "the pancreas",
            ),
        ),
        worse=(
            ChangedItem(
                "drug_orders", "List the drugs: 5 mg of ramipril daily.", "ramipril", "ramipril", ""
            ),
        ),
    )


def synthesis_facts() -> SynthesisFacts:
    return SynthesisFacts(
        requests=120,
        parsed=431,
        kept=246,
        rejected_by_reason={
            "too_similar": 97,
            "too_short": 41,
            "mentions_an_image": 19,
            "not_english": 16,
            "cut_off": 12,
        },
        kept_by_category={"qa": 118, "gen": 61, "ie": 44, "other": 23},
        instruction_words=tuple(6 + draws.integer(24, 3, "words", i) for i in range(246)),
        input_words=tuple(max(0, draws.integer(60, 4, "words", i) - 20) for i in range(246)),
        output_words=tuple(1 + draws.integer(90, 5, "words", i) for i in range(246)),
        kept_samples=(
            KeptInstruction(
                "Name the drug class of the medicine in the sentence.",
                "She has taken bisoprolol for two years.",
                "Beta blocker",
                "ie",
                ("seed-07", "seed-31", "seed-64"),
                "seed-31",
                0.4138,
            ),
            KeptInstruction(
                "Explain to a child why hands should be washed.",
                "",
                "Tiny germs sit on our hands. Soap carries them away.",
                "gen",
                ("seed-02", "seed-11", "seed-45"),
                "",
                0.0,
            ),
        ),
        rejected_samples=(
            RejectedInstruction("too_similar", "Name the class of the drug in the sentence."),
            RejectedInstruction("mentions_an_image", "Describe the X-ray shown below."),
        ),
    )


def mixture_facts() -> MixtureFacts:
    mixed = (
        ("synthesized", "", "other", 246, 246),
        ("boolq", "reading_comprehension", "", 9427, 3000),
        ("copa", "commonsense", "", 400, 400),
        ("sst2", "sentiment", "", 67349, 3000),
        ("study_answers", "", "qa", 40, 40),
        ("mts_dialog", "summarization", "gen", 1201, 1201),
    )
    total = sum(rate for *_, rate in mixed)
    lines = [
        MixtureLine(
            task=task,
            cluster=cluster,
            category=category,
            rows=rows,
            cap=3000,
            rate=float(rate),
            probability=rate / total,
            examples=round(4000 * rate / total),
            share=rate / total,
            epochs=4000 * rate / total / rows,
            templates=10,
            held_out_reason="",
        )
        for task, cluster, category, rows, rate in mixed
    ]
    for task, cluster, why in (
        ("rte", "natural_language_inference", "its cluster is held out"),
        ("cb", "natural_language_inference", "its cluster is held out"),
        ("mrpc", "paraphrase", "paraphrase is held out together with inference"),
    ):
        lines.append(MixtureLine(task, cluster, "", 2490, 3000, 0.0, 0.0, 0, 0.0, 0.0, 10, why))
    sample = ExampleSample(
        "copa",
        "The man lost his balance on the ladder. What happened as a result?\n\nOPTIONS:\n"
        "- He fell off the ladder.\n- He climbed up the ladder.",
        "He fell off the ladder.",
    )
    return MixtureFacts(tuple(lines), (sample,), OverlapFacts(1480, 3, 4000, 0, 12))


def tuning_facts(steps: int = 60) -> TuningFacts:
    losses = tuple(
        (step, 0.9 + 2.1 * 0.95**step + 0.15 * draws.uniform(6, "loss", step))
        for step in range(1, steps + 1)
    )
    return TuningFacts(
        steps=steps,
        losses=losses,
        target_tokens=81_214,
        total_tokens=401_377,
        padding_share=0.021,
        packing_fill=0.979,
        trainable_parameters=921_600,
        base_parameters=134_515_008,
        rank=8,
        learning_rate=3e-4,
    )


def demo_facts() -> ReportFacts:
    digest = "4be1c0ffee" * 6
    return ReportFacts(
        title="FLAN with natural language inference held out, and BioInstruct",
        recipe_name="demo",
        recipe="name: demo\nseed: 7\nmixture:\n  held_out: natural_language_inference\n"
        "tuning:\n  rank: 8\n",
        seed=7,
        version="0.1.0",
        commit="0123456789abcdef0123456789abcdef01234567+",
        libraries={"torch": "2.13.0", "transformers": "5.23.0", "numpy": "2.4.6"},
        stages=(
            StageFacts(
                "synthesize",
                "synthesize-1f2e3d4c5b6a",
                "1f2e3d4c5b6a",
                {},
                {"requests": 120, "parsed": 431, "kept": 246},
            ),
            StageFacts(
                "mix",
                "mix-0a9b8c7d6e5f",
                "0a9b8c7d6e5f",
                {"synthesize": digest},
                {"examples": 4000, "tasks": 6},
            ),
            StageFacts(
                "tune",
                "tune-9c1d22e0a7b4",
                "9c1d22e0a7b4",
                {"mix": digest},
                {"steps": 60, "target_tokens": 81_214},
            ),
            StageFacts(
                "evaluate",
                "evaluate-77aa88bb99cc",
                "77aa88bb99cc",
                {"tune": digest, "mix": digest},
                {"items": 1967, "excluded": 3},
            ),
        ),
        synthesis=synthesis_facts(),
        mixture=mixture_facts(),
        tuning=tuning_facts(),
        evaluation=evaluation_facts(),
        failures=("Task anli was asked for but its folder holds no rows; it was not scored.",),
    )
