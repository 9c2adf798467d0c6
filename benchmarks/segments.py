"""One forward pass over a forest of segments against separate ones: equal, and how much quicker.

Real rows from $PRECEPTOR_DATA and the embedded SmolLM2-135M in float32. The peer is the same model
in transformers with its own scaled dot-product attention, one sequence a pass, and padded batches
of eight sorted by length.

    packing      Alpaca rows: instruction rows packed into rows of 1,024 tokens
    options      MedMCQA and HellaSwag rows: every option of a question
    passages     SQuAD rows: all questions on one passage

    python benchmarks/segments.py [--quick]
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from common import Figure, at_least, at_most, cannot_run, finish, side_by_side
from preceptor.errors import ModelError
from preceptor.model import attention, forward
from preceptor.model.generation import attention_as
from preceptor.model.loading import LoadedModel, load
from preceptor.model.segments import Tree, example, lay_out, share_prefixes
from preceptor.model.tokenizer import encode
from preceptor.tuning.packing import plan

Pair = tuple[tuple[int, ...], int]
"""Tokens of a sequence and where its target begins."""
ROOM = 1024


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        cannot_run("set PRECEPTOR_DATA to the folder of data sets")
    try:
        loaded = load("embedded:smollm2-135m", "float32")
    except ModelError as error:
        cannot_run(str(error))
    figures: dict[str, Figure] = {}
    details: dict[str, object] = {}
    for name, pairs, forests in cases(loaded, Path(root), 6 if quick else 16):
        found = compare(loaded, pairs, forests, 1 if quick else 3)
        details[name] = found
        figures[f"{name}: largest difference"] = at_most(found["difference"], "nats a token", 1e-3)
        for peer in ("separate", "padded"):
            ratio = found["seconds"][peer] / found["seconds"]["forest"]
            figures[f"{name}: against {peer}"] = at_least(ratio, "times", 1.0)
        print(f"{name}: {json.dumps(found)}", file=sys.stderr)
    finish("segments", figures, details, quick)


def cases(
    loaded: LoadedModel, root: Path, count: int
) -> list[tuple[str, list[Pair], list[list[Tree]]]]:
    """Name, sequences, and the forests that hold them; leaves are in the sequences' order."""
    packed = [pair(loaded, *alpaca(row)) for row in rows(root, "alpaca", 2 * count)]
    lengths = [len(tokens) for tokens, _ in packed]
    bins = [b for step in plan(lengths, 0, 1, ROOM, ROOM).steps for b in step]
    packed = [packed[i] for b in bins for i in b]
    packing, start = [], 0
    for b in bins:
        packing.append([example(t[:f], t[f:]) for t, f in packed[start : start + len(b)]])
        start += len(b)
    found = [("packing", packed, packing)]
    for name, prompts in (
        ("options: MedMCQA", [medmcqa(row) for row in rows(root, "medmcqa", count)]),
        ("options: HellaSwag", [hellaswag(row) for row in rows(root, "hellaswag", count)]),
    ):
        groups = [
            [pair(loaded, prompt, option) for option in options] for prompt, options in prompts
        ]
        found.append((name, *forests(groups)))
    passages: dict[str, list[Pair]] = {}
    for row in rows(root, "squad", 400):
        text = f"{row['context']}\n\nQuestion: {row['question']}\nAnswer:"
        answer = " " + row["answers"]["text"][0]
        passages.setdefault(row["context"], []).append(pair(loaded, text, answer))
    several = sorted(passages.values(), key=len, reverse=True)[: max(2, count // 4)]
    found.append(("passages: SQuAD", *forests(several)))
    return found


def forests(groups: Sequence[list[Pair]]) -> tuple[list[Pair], list[list[Tree]]]:
    """Groups that begin alike, a tree each, in forests of about ROOM tokens."""
    layouts: list[list[Tree]] = []
    room = 0
    for group in groups:
        tree = share_prefixes(group)
        size = sum(len(segment.tokens) for segment in tree)
        if not layouts or size > room:
            layouts.append([])
            room = ROOM
        layouts[-1].append(tree)
        room -= size
    return [one for group in groups for one in group], layouts


def compare(
    loaded: LoadedModel, pairs: list[Pair], layouts: list[list[Tree]], repeats: int
) -> dict[str, object]:
    """Seconds of each way, and the largest difference of a target token's log-probability."""
    results: dict[str, torch.Tensor] = {}

    def forest() -> None:
        attention.install(loaded.model)
        parts = []
        for trees in layouts:
            laid = lay_out(trees)
            scores = forward.target_log_probabilities(loaded.model, laid)
            parts.append(scores[torch.argsort(laid.owners, stable=True)])
        results["forest"] = torch.cat(parts)

    def separate() -> None:
        results["separate"] = torch.cat([part for p in pairs for part in batch(loaded, [p])])

    def padded() -> None:
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
        parts: dict[int, torch.Tensor] = {}
        for start in range(0, len(order), 8):
            chosen = order[start : start + 8]
            parts |= zip(chosen, batch(loaded, [pairs[i] for i in chosen]), strict=True)
        results["padded"] = torch.cat([parts[i] for i in range(len(pairs))])

    seconds = side_by_side({"forest": forest, "separate": separate, "padded": padded}, repeats)
    difference = max(
        float((results["forest"] - results[peer]).abs().max()) for peer in ("separate", "padded")
    )
    return {
        "sequences": len(pairs),
        "tokens": sum(len(tokens) for tokens, _ in pairs),
        "tokens_in_forests": sum(len(s.tokens) for trees in layouts for t in trees for s in t),
        "seconds": {name: round(taken, 3) for name, taken in seconds.items()},
        "difference": difference,
    }


@torch.no_grad()
def batch(loaded: LoadedModel, pairs: Sequence[Pair]) -> list[torch.Tensor]:
    """Log-probabilities of each sequence's targets through transformers, padded on the right."""
    width = max(len(tokens) for tokens, _ in pairs)
    ids = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens, _ in pairs])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t, _ in pairs])
    with attention_as(loaded.model, "sdpa"):
        logits = loaded.model(ids, attention_mask=mask, use_cache=False).logits
    found = []
    for row, (tokens, first) in zip(logits, pairs, strict=True):
        scores = row[first - 1 : len(tokens) - 1].log_softmax(-1)
        found.append(scores.gather(1, torch.tensor(tokens[first:])[:, None])[:, 0])
    return found


def rows(root: Path, name: str, count: int) -> list[dict]:  # type: ignore[type-arg]
    path = root / name / "train.jsonl"
    if not path.exists():
        cannot_run(f"{path} is missing")
    return [json.loads(line) for line in path.read_text().splitlines()[:count]]


def pair(loaded: LoadedModel, prompt: str, target: str) -> Pair:
    head, tail = encode(loaded.tokenizer, prompt), encode(loaded.tokenizer, target)
    return (*head, *tail), len(head)


def alpaca(row: dict[str, str]) -> tuple[str, str]:
    return f"{row['instruction']}\n{row['input']}\n", row["output"] or "."


def medmcqa(row: dict[str, str]) -> tuple[str, list[str]]:
    return f"Question: {row['question']}\nAnswer:", [" " + row[f"op{k}"] for k in "abcd"]


def hellaswag(row: dict[str, list[str]]) -> tuple[str, list[str]]:
    return str(row["ctx"]), [" " + ending for ending in row["endings"]]


if __name__ == "__main__":
    main()
