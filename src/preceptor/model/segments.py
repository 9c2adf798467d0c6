"""A forest of segments: packing, option scoring and shared prefixes as one layout of tokens.

A row of T tokens holds trees; a tree holds segments; a segment has a parent or none. A token
attends to its own segment's past and to all of its ancestors, and its position continues its
parent's:

    packed training rows     roots only            [prompt target][prompt target] ...
    a question's options     a root with leaves    [prompt] -> [option][option][option]
    few-shot exemplars       deeper                [exemplars] -> [question] -> [option][option]

The token before a segment's first token is its parent's last, so one hidden state predicts the
first token of every child. Notation: T tokens in all, P predicted (target) tokens, S segments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

FAMILY_TOKENS = 192
"""Short siblings are attended together under one mask up to so many tokens: fewer, larger calls."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of tokens in a tree."""

    tokens: tuple[int, ...]
    parent: int = -1
    """Index in the tree of an earlier segment; -1 for a root."""
    targets_from: int | None = None
    """Index of the first token that is predicted and scored; None: none is."""


Tree = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Queries that attend to the same ancestors: one call of the attention kernel on CPU."""

    start: int
    stop: int
    """The queries, which are keys too."""
    ancestors: tuple[tuple[int, int], ...]
    """Token ranges before them that all of them see, root first."""
    members: tuple[int, ...]
    """Lengths of the sibling segments in start..stop: each sees itself only, causally."""


@dataclass(frozen=True, eq=False, slots=True)
class Forest:
    """What a forward pass needs."""

    tokens: torch.Tensor  # (1, T) int64
    positions: torch.Tensor  # (1, T) int64: depth in the tree, so each root starts at 0
    predictors: torch.Tensor  # (P,) int64: the token whose hidden state predicts
    targets: torch.Tensor  # (P,) int64: the token it must predict
    owners: torch.Tensor  # (P,) int64: number of the segment that the target is in
    segments: tuple[tuple[int, int, int], ...]  # S of (start, stop, parent's number or -1)
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """T."""
        return self.tokens.shape[1]

    def to(self, device: torch.device) -> "Forest":
        """The same forest with its tensors on a device."""
        return Forest(
            self.tokens.to(device),
            self.positions.to(device),
            self.predictors.to(device),
            self.targets.to(device),
            self.owners.to(device),
            self.segments,
            self.blocks,
        )


def example(prompt: Sequence[int], target: Sequence[int]) -> Tree:
    """A training row: one root, loss on the target only.

    Raises:
        ValueError: The prompt or the target is empty.
    """
    if not prompt or not target:
        raise ValueError("an example needs a prompt and a target of at least one token each")
    return (Segment((*prompt, *target), targets_from=len(prompt)),)


def lay_out(trees: Iterable[Tree]) -> Forest:
    """Trees side by side in one row.

    Siblings stand together, so that short ones share a block; a tree's segments may therefore
    change places. ``Forest.owners`` and ``Forest.segments`` number segments as given: tree by tree,
    in each tree's order.

    Raises:
        ValueError: A segment is empty, or its parent does not come before it, or a root's first
            token is a target (nothing stands before it to predict it from).
    """
    builder = _Layout()
    for tree in trees:
        builder.add(tree)
    return builder.forest()


class _Layout:
    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.predictors: list[int] = []
        self.targets: list[int] = []
        self.owners: list[int] = []
        self.segments: list[tuple[int, int, int]] = []
        self.blocks: list[Block] = []

    def add(self, tree: Tree) -> None:
        first = len(self.segments)
        _check(tree)
        children: dict[int, list[int]] = {}
        for index, segment in enumerate(tree):
            children.setdefault(segment.parent, []).append(index)
        self.segments.extend([(0, 0, -1)] * len(tree))
        families = [(-1, children.get(-1, []))]
        while families:
            parent, siblings = families.pop(0)
            ancestors = self._ancestors(first, tree, parent)
            for group in _groups([(i, len(tree[i].tokens)) for i in siblings]):
                start = len(self.tokens)
                for index in group:
                    self._place(first, index, tree[index])
                members = tuple(len(tree[i].tokens) for i in group)
                self.blocks.append(Block(start, len(self.tokens), ancestors, members))
            families.extend((i, children[i]) for i in siblings if i in children)

    def _ancestors(self, first: int, tree: Tree, index: int) -> tuple[tuple[int, int], ...]:
        found: list[tuple[int, int]] = []
        while index >= 0:
            start, stop, _ = self.segments[first + index]
            found.append((start, stop))
            index = tree[index].parent
        return tuple(reversed(found))

    def _place(self, first: int, index: int, segment: Segment) -> None:
        start = len(self.tokens)
        before, depth, parent = start - 1, 0, -1
        if segment.parent >= 0:
            parent = first + segment.parent
            before = self.segments[parent][1] - 1
            depth = self.positions[before] + 1
        count = len(segment.tokens)
        self.tokens.extend(segment.tokens)
        self.positions.extend(range(depth, depth + count))
        self.segments[first + index] = (start, start + count, parent)
        if segment.targets_from is None:
            return
        for offset in range(segment.targets_from, count):
            self.predictors.append(before if offset == 0 else start + offset - 1)
            self.targets.append(segment.tokens[offset])
            self.owners.append(first + index)

    def forest(self) -> Forest:
        return Forest(
            torch.tensor([self.tokens], dtype=torch.int64),
            torch.tensor([self.positions], dtype=torch.int64),
            torch.tensor(self.predictors, dtype=torch.int64),
            torch.tensor(self.targets, dtype=torch.int64),
            torch.tensor(self.owners, dtype=torch.int64),
            tuple(self.segments),
            tuple(self.blocks),
        )


def _check(tree: Tree) -> None:
    for index, segment in enumerate(tree):
        if not segment.tokens:
            raise ValueError(f"segment {index} has no tokens")
        if not -1 <= segment.parent < index:
            raise ValueError(f"segment {index} has parent {segment.parent}, not an earlier one")
        if segment.parent < 0 and segment.targets_from == 0:
            raise ValueError(f"segment {index} is a root: nothing predicts its first token")


def _groups(siblings: list[tuple[int, int]]) -> list[list[int]]:
    """Siblings (index, length) in order, in groups of at most FAMILY_TOKENS tokens, or alone."""
    groups: list[list[int]] = []
    room = 0
    for index, length in siblings:
        if groups and length <= room:
            groups[-1].append(index)
            room -= length
        else:
            groups.append([index])
            room = FAMILY_TOKENS - length
    return groups


def share_prefixes(sequences: Sequence[tuple[Sequence[int], int]], shortest: int = 8) -> Tree:
    """One tree for sequences that begin alike: each common beginning is computed once.

    Args:
        sequences: (tokens, first target) pairs. The tokens from the first target on are scored.
        shortest: A common beginning of fewer tokens is not worth a segment of its own.

    Returns:
        A tree whose last ``len(sequences)`` segments end the sequences, in their order. Target
        tokens are never shared: two equal sequences end in a segment each.
    """
    tree: list[Segment] = []
    leaves: list[Segment] = [Segment(())] * len(sequences)

    def end(member: int, start: int, parent: int) -> None:
        tokens, first = sequences[member]
        leaves[member] = Segment(tuple(tokens[start:]), parent, max(0, first - start))

    def grow(members: list[int], start: int, seen: int, parent: int) -> None:
        # tokens[start:seen] are common to the members but are in no segment yet
        groups: dict[int, list[int]] = {}
        for member in members:
            tokens, first = sequences[member]
            if seen < min(first, len(tokens) - 1):
                groups.setdefault(tokens[seen], []).append(member)
            else:
                end(member, start, parent)
        for group in groups.values():
            if len(group) == 1:
                end(group[0], start, parent)
                continue
            stop = _common(sequences, group, seen)
            if stop - start < shortest:
                grow(group, start, stop, parent)
            else:
                tree.append(Segment(tuple(sequences[group[0]][0][start:stop]), parent))
                grow(group, stop, stop, len(tree) - 1)

    grow(list(range(len(sequences))), 0, 0, -1)
    return (*tree, *leaves)


def _common(sequences: Sequence[tuple[Sequence[int], int]], group: list[int], start: int) -> int:
    """Where the group's common beginning ends: before any member's first target or last token."""
    stop = min(min(sequences[m][1], len(sequences[m][0]) - 1) for m in group)
    head = sequences[group[0]][0]
    for member in group[1:]:
        tokens = sequences[member][0]
        end = start
        while end < stop and tokens[end] == head[end]:
            end += 1
        stop = end
    return stop
