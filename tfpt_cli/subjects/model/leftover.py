"""Parameters of which no row says what they are, because layers of another cut hold them on each side, or a person's own.

They are paired one by one, by their shapes and by their names, and their names alone tell how numbers for them are drawn.

Keras's code often holds in one layer of its own (`embeddings.weight`, `embeddings.position_embeddings`) what stands in
several layers in PyTorch (`embeddings.word_embeddings.weight`).
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from tfpt_cli.checkpoints import names
from tfpt_cli.dictionary.records import GAIN, POSITIVE, SIGNED
from tfpt_cli.language.shapes import without_ones
from tfpt_cli.layers.layout import Layout
from tfpt_cli.subjects.model.axis_orders import fits
from tfpt_cli.subjects.model.units import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tfpt_cli.subjects.model.inventory import Tensor

# What PyTorch calls a parameter, by what Keras calls one that means the same, both as `plain` writes them.
MEANS = {plain(theirs): plain(ours) for theirs, ours in names.MEANS.items()}
# So they are called in layers of a person's own, the last two where a weight is made of its length and its direction.
_LETTERS = {"w": "weight", "b": "bias", "g": "weightg", "v": "weightv"}
# What code in TensorFlow mostly makes of PyTorch's axes, where nothing tells how it computes with a weight.
_USUAL = {
    "out in": "in out",
    "out in w": "w in out",
    "out in h w": "h w in out",
    "out in d h w": "d h w in out",
    "in out w": "w out in",
    "in out h w": "h w out in",
    "in out d h w": "d h w out in",
}


def same_name(one: Tensor, other: Tensor) -> bool:
    """Whether two parameters are called the same in their layers, or what means the same; one in no layer may be anything."""
    owns = [_in_layer(each.own) if each.layer else each.own for each in (one, other)]
    return plain(one.own) == plain(other.own) or plain(owns[0]) == _meaning(owns[1])


def _in_layer(own: str) -> str:
    """The name of a parameter in its layer, where `b` is the bias; one that stands alone may be anything."""
    return _LETTERS.get(own, own)


def own_layout(one: Tensor, other: Tensor) -> Layout | None:
    """How the axes of a tensor that no row knows map.

    Where two are of one length it is as both sides compute with them, or as is usual; else their sizes tell. Axes of length one
    are nowhere: a bias of `(1, 48)` is one of `(48,)`.
    """
    sizes = without_ones(one.shape)
    if _parted(one, other):
        return None
    if len(set(sizes)) < len(sizes):
        theirs = other.axes or _USUAL.get(one.axes, "")
        if sorted(one.axes.split()) == sorted(theirs.split()) != []:
            layout = Layout(f"{one.axes} -> {theirs}" if one.axes != theirs else "")
            if fits(layout, one.shape, other.shape):
                return layout
        if len(other.shape) > 2 and (heads := _in_heads(one, other)) is not None:  # one head has an axis of length one
            return heads
    if sizes == without_ones(other.shape):
        return Layout()
    if one.sizes != other.sizes or len(set(one.sizes)) != len(one.sizes):
        return _in_heads(one, other)
    axes = {1: "1"} | {size: f"a{place}" for place, size in enumerate(one.shape) if size != 1}
    return Layout(f"{' '.join(axes[size] for size in one.shape)} -> {' '.join(axes[size] for size in other.shape)}")


def of_unknown_axes(one: Tensor, other: Tensor) -> bool:
    """Whether two are square matrices of which nothing tells whether one is the other turned."""
    square = len(one.shape) == 2 and len({*one.shape, *other.shape}) == 1 and one.shape == other.shape
    return square and sorted(one.axes.split()) != sorted(other.axes.split() or ["unknown"])


def _parted(one: Tensor, other: Tensor) -> bool:
    """Whether both sides compute with as many axes of the same names, of which one has another length on the other side."""
    lengths = [
        dict(zip(tensor.axes.split(), tensor.shape, strict=False))
        for tensor in (one, other)
        if len(tensor.axes.split()) == len(tensor.shape)
    ]
    return len(lengths) == 2 and lengths[0].keys() == lengths[1].keys() and lengths[0] != lengths[1]


def _in_heads(one: Tensor, other: Tensor) -> Layout | None:
    """How the axes of a matrix or a vector map of which Keras has one as several, those of heads: `(h e) in -> in h e`.

    Keras's kernels have the axes that are summed over first; an axis that is several has them in their order.
    """
    names = one.axes.split() if len(one.shape) == 2 else ["out"] * (len(one.shape) == 1)
    if sorted(names) not in (["in", "out"], ["out"]) or math.prod(one.shape) != math.prod(other.shape):
        return None
    lengths = dict(zip(names, one.shape, strict=True))
    for split in range(len(other.shape)):
        parts = {"in": other.shape[:split], "out": other.shape[split:]}
        if math.prod(parts["in"]) != lengths.get("in", 1):
            continue
        left: dict[str, str] = {}
        right: list[str] = []
        sizes: dict[str, int] = {}
        for name, own in parts.items():
            several = without_ones(own)
            apart = [f"{name}{place}" for place in range(len(several))] if len(several) > 1 else [name]
            left[name] = f"({' '.join(apart)})" if len(apart) > 1 else name
            sizes.update(zip(apart[1:], several[1:], strict=True))
            rest = iter(apart)
            right += ["1" if size == 1 else next(rest) for size in own]
        return Layout(f"{' '.join(left[name] for name in names)} -> {' '.join(right)}", sizes)
    return None


def drawn_by_name(own: str) -> str:
    """How numbers for a parameter are drawn, one of `DRAWN`, by the name that it has in its layer.

    >>> drawn_by_name("moving_variance"), drawn_by_name("gamma"), drawn_by_name("weight")
    ('positive', 'gain', '')
    """
    return POSITIVE if own.endswith(("var", "variance")) else GAIN if own in ("gamma", "scale") else SIGNED


def is_state_by_name(own: str) -> bool:
    """Whether a parameter is a statistic that its layer keeps, by the name that it has in it: `running_mean`."""
    return own.startswith("running")


def by_name_or_shape(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor, str]]:
    """Tensors that correspond, and why: those whose names are nearest to each other, then the only ones of a shape.

    Where neither tells them apart they are left, for a person to say.
    """
    paired: list[Tensor] = []
    for left, right in _groups(ours, theirs, lambda tensor: tensor.sizes):
        found = [(one, other, "by its name") for one, other in _nearest(left, right, nearness)]
        rest = [
            [tensor for tensor in tensors if all(tensor is not pair[side] for pair in found)]
            for side, tensors in enumerate((left, right))
        ]
        found = [pair for pair in found if own_layout(*pair[:2]) is not None]
        found += [(one, other, "by its shape") for one, other in _alone(*rest)]
        paired += [tensor for pair in found for tensor in pair[:2]]
        yield from found
    # In a flat list, and maybe with an axis that is several: they are as many numbers.
    ours, theirs = ([t for t in tensors if all(t is not each for each in paired)] for tensors in (ours, theirs))
    for left, right in _groups(ours, theirs, lambda tensor: math.prod(tensor.shape)):
        alone = len(left) == len(right) == 1 and all(len(tensor.shape) > 1 for tensor in (*left, *right))
        told = [(left[0], right[0])] if alone else [*_nearest(left, right, flat_nearness)]
        # All or none: the names of some may be counted from another number than those of others.
        if len(told) == len(left) == len(right) and all(own_layout(*pair) is not None for pair in told):
            yield from ((*pair, "by its shape" if alone else "by its name") for pair in told)


def named_alike(one: Tensor, other: Tensor) -> bool:
    """Whether two parameters have one name, or their paths share a word, as `_shared` has it."""
    return one.name == other.name or _shared(one.name, other.name)


def own_alike(one: Tensor, other: Tensor) -> bool:
    """Whether the names that two parameters have in their layers share a word, as `_shared` has it."""
    return _shared(one.own, other.own)


def _shared(one: str, other: str) -> bool:
    """Whether two paths share a word besides numbers and what says that they are a weight or a bias.

    >>> _shared("att_src", "kernel_src"), _shared("w1", "w2"), _shared("0.weight", "0.kernel")
    (True, False, False)
    """
    words = ({_meaning(word) for word in re.split(r"[._]", name) if not word.isdigit()} for name in (one, other))
    return not set.isdisjoint(*(own - _ROLES.keys() for own in words))


def is_bias(tensor: Tensor) -> bool:
    """Whether a parameter is a vector that its name says to be a bias."""
    return len(tensor.shape) == 1 and (tensor.own.startswith("b") or "bias" in tensor.own)


def _alone(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors that can be one another, and none of which can be any other."""
    for one in ours:
        options = [other for other in theirs if own_layout(one, other) is not None]
        if len(options) == 1 and sum(own_layout(each, options[0]) is not None for each in ours) == 1:
            yield one, options[0]


def in_order(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors of as many numbers in the order of their models, where there are as many on both sides: no more than a guess.

    Of PyTorch's vectors there may be more, of which some are then added, as two biases are: each of Keras's stands in several.
    """
    for left, right in _groups(ours, theirs, lambda tensor: math.prod(tensor.shape)):
        added = len(left) > len(right) > 0 and all(len(tensor.shape) == 1 for tensor in left)
        rest, pairs = list(itertools.islice(itertools.cycle(right), len(left) if added else len(right))), []
        for tensor in left:
            other = next((each for each in rest if own_layout(tensor, each) is not None), None)
            if other is not None:
                rest.remove(other)
                pairs.append((tensor, other))
        if len(pairs) == len(left) and not rest:
            yield from pairs


def _groups(
    ours: Sequence[Tensor], theirs: Sequence[Tensor], of: Callable[[Tensor], object]
) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
    """The tensors of both sides that have one thing in common."""
    groups: dict[object, tuple[list[Tensor], list[Tensor]]] = {}
    for side, tensors in enumerate((ours, theirs)):
        for tensor in tensors:
            groups.setdefault(of(tensor), ([], []))[side].append(tensor)
    return groups.values()


def buffers_by_name(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Buffers of PyTorch and variables of Keras that are not trained, of one shape and one name in layers of one name.

    Layers are of one name whose paths end alike; where there are several such, none of them is known to be the one.
    """
    for one in ours:
        options = [other for other in theirs if _one_buffer(one, other)]
        if len(options) == 1 and sum(_one_buffer(each, options[0]) for each in ours) == 1:
            yield one, options[0]


def _one_buffer(one: Tensor, other: Tensor) -> bool:
    ends = [plain(tensor.layer.rpartition(".")[2]) for tensor in (one, other)]
    return one.shape == other.shape and _meaning(one.own) == _meaning(other.own) and (ends[0] == ends[1] or "" in ends)


def _nearest(
    left: Sequence[Tensor], right: Sequence[Tensor], near: Callable[[str, str], tuple[int, float]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors that are nearer to each other by name than either is to any other, the nearest first."""
    table = {(i, j): near(one.name, other.name) for i, one in enumerate(left) for j, other in enumerate(right)}
    scores = sorted(
        ((score, pair) for pair, score in table.items() if score[0]), key=lambda item: item[0], reverse=True
    )
    taken: tuple[set[int], set[int]] = set(), set()
    for _, group in itertools.groupby(scores, key=lambda item: item[0]):
        # Of one score: those that are in no other pair of that score.
        free = [(i, j) for _, (i, j) in group if i not in taken[0] and j not in taken[1]]
        counts = Counter(i for i, _ in free), Counter(j for _, j in free)
        for i, j in free:
            if counts[0][i] == counts[1][j] == 1:
                yield left[i], right[j]
        taken[0].update(counts[0])
        taken[1].update(counts[1])


def nearness(one: str, other: str) -> tuple[int, float]:
    """How near two paths are: how many of their last parts are the same, and which share of their words.

    A layer's `weight` may be the layer itself in the other model.

    >>> nearness("h.0.attn.bias", "model.h.0.attn.beta"), nearness("word_embeddings.weight", "net.bert.word_embeddings")
    ((4, 0.8), (1, 0.5))
    """
    paths = [name.split(".") for name in (one, other)]
    paths = [[*path[:-1], _in_layer(path[-1])] if len(path) > 1 else path for path in paths]
    paths = [[_meaning(part) for part in path] for path in paths]
    paths = [path[:-1] if len(path) > 1 and path[-1] == "weight" else path for path in paths]
    words = [{_meaning(word) for word in re.split(r"[._]", name)} for name in (one, other)]
    return _alike_at_end(*paths), len(words[0] & words[1]) / len(words[0] | words[1])


def _alike_at_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the last parts of two paths are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


# What a part of a name says a parameter is, in code that holds all of them in one place: `w1`, `biases.out`.
_ROLES = {
    **dict.fromkeys(("w", "weight", "weights", "kernel", "kernels"), "weight"),
    **dict.fromkeys(("b", "bias", "biases"), "bias"),
}


def flat_nearness(one: str, other: str) -> tuple[int, float]:
    """How near two names are where one is of a layer and the other of a flat list, as `nearness` has it.

    >>> flat_nearness("dense1.weight", "w1")[0], flat_nearness("q.weight", "wq")[0], flat_nearness("dense1.weight", "b1")[0]
    (1, 1, 0)
    """
    words = [re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) for name in (one, other)]
    paths = [list(_flat(own, others)) for own, others in (words, words[::-1])]
    roles = [next((_ROLES[word] for word in path if word in _ROLES), "") for path in paths]
    paths = [[word for word in path if word not in _ROLES] for path in paths]
    if roles[0] != roles[1] or not all(paths):
        return 0, 0.0
    return _alike_at_end(*paths), len({*paths[0]} & {*paths[1]}) / len({*paths[0]} | {*paths[1]})


def _flat(words: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """The words of a name, of which one like `wq` is two where the other name has a `q`."""
    for word in words:
        yield from (word[0], word[1:]) if word[0] in _ROLES and word[1:] in others and word not in others else (word,)


def _meaning(part: str) -> str:
    return MEANS.get(plain(part), plain(part))
