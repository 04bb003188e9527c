"""The conversion of one model's weights into the other's as plain code of NumPy and the frameworks, which runs without tfpt."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.results import printable
from tfpt_cli.subjects.model.writer import turned_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart
    from tfpt_cli.subjects.model.pairing import Pairing


# Code that turns a matrix, where what is turned is one array or a call of `gates`.
_TRANSPOSED = re.compile(
    r"np\.transpose\(((?:gates\()?w(?:eights)?\[[^\[\]]*\](?:\[[\d:, ]+\])?(?:, [\d, ]+\))?), \(1, 0\)\)"
)
_GATES = '''\
def gates(array, *order):
    """The gates of a recurrent layer, along the first axis, in another order."""
    parts = np.split(array, len(order))
    return np.concatenate([parts[place] for place in order])'''


def to_keras(pairing: Pairing, torch: Inventory, keras: Inventory) -> str:
    """A function that puts the tensors of a PyTorch `state_dict` into the Keras model.

    What Keras's model has alone stays as it is.
    """
    sources: dict[str, dict[TensorPart, str]] = {}
    for pair in pairing.pairs:
        tensor = keras.tensor[pair.keras.tensor]
        turned = _turned(pair, torch, pair.keras.shape(tensor.shape))
        sources.setdefault(tensor.name, {})[pair.keras] = turned
    lines = []
    whole = all(tensor.name in sources for tensor in keras.tensors) and bool(keras.layers)
    for tensor in keras.tensors:
        if tensor.name not in sources:
            continue
        source = _joined(sources[tensor.name], tensor.shape)
        held = "weights" if keras.layers else "variables"
        line = f"        {source}," if whole else f"    model.{held}[{tensor.index}].assign({source})"
        # A stranger's layer may be called what ends the comment.
        lines.append(f"{line}  # {printable(tensor.name)}")
    body = ["    model.set_weights([", *lines, "    ])"] if whole else lines
    return _script(["import numpy as np"], [
        "def convert(state_dict, model):",
        '    """Puts the weights of a PyTorch state_dict into the Keras model, which must be built."""',
        "    w = {name: tensor.detach().cpu().numpy() for name, tensor in state_dict.items()}",
        *body,
    ])  # fmt: skip


def _script(imports: Sequence[str], function: Sequence[str]) -> str:
    """A function with what it needs before it, its matrices turned as a person writes it."""
    text = _TRANSPOSED.sub(r"\1.T", "\n".join(function))
    return "\n".join([*imports, "", "", *([_GATES, "", ""] if "gates(" in text else []), text, ""])


def _turned(pair: PairedParameters, torch: Inventory, shape: Shape) -> str:
    """PyTorch's part of a pair with Keras's axes and shape, as code that reads the arrays of a dict `w`."""
    shapes = [torch.tensor[part.tensor].shape for part in pair.torch]
    source = " + ".join(
        part.source(f"w[{part.tensor!r}]", shape) for part, shape in zip(pair.torch, shapes, strict=True)
    )
    own = pair.torch[0].shape(torch.tensor[pair.torch[0].tensor].shape)
    source = f"({source})" if len(pair.torch) > 1 else source
    source = _reordered(source, pair.layout.blocks.get(TORCH, ()), pair.layout.blocks.get(TENSORFLOW, ()))
    source = turned_source(source, own, _plain(pair.layout))
    return _shaped(source, pair.layout.turned(own), shape)


def _shaped(source: str, shape: Shape, wanted: Shape) -> str:
    """Code that gives an array of a shape in another one; as it is where both are one."""
    return source if tuple(shape) == tuple(wanted) else f"np.reshape({source}, {tuple(wanted)})"


def _joined(sources: Mapping[TensorPart, str], shape: Shape) -> str:
    """Code that makes a tensor of a shape of its parts, of which those that correspond to nothing are zero."""
    part = next(iter(sources))
    if part.index is None:
        return sources[part]
    held = {each.index: source for each, source in sources.items()}
    parts = [replace(part, index=index) for index in range(len(part.sizes) or shape[0])]
    each = [held.get(p.index, f"np.zeros({p.shape(shape)}, dtype=np.float32)") for p in parts]
    if part.pieces > 1:
        apart = [(*p.shape(shape)[: p.axis], p.pieces, -1, *shape[p.axis + 1 :]) for p in parts]
        each = [f"np.reshape({source}, {own})" for source, own in zip(each, apart, strict=True)]
        return f"np.reshape(np.concatenate([{', '.join(each)}], axis={part.axis + 1}), {shape})"
    axis = f", axis={part.axis}" if part.axis else ""
    return f"np.{'concatenate' if part.sizes else 'stack'}([{', '.join(each)}]{axis})"


def _reordered(source: str, ours: Sequence[str], theirs: Sequence[str]) -> str:
    """Code that puts the blocks along PyTorch's first axis from one order into another; as it is where both are one."""
    order = [ours.index(name) for name in theirs]
    return source if order == sorted(order) else f"gates({source}, {', '.join(map(str, order))})"


def _plain(layout: Layout) -> Layout:
    """A layout whose gates are an axis like any other."""
    if not layout.blocks:
        return layout
    return replace(layout, sizes={**layout.sizes, "gate": len(layout.blocks[TORCH])})


def to_torch(pairing: Pairing, torch: Inventory, keras: Inventory) -> str:
    """A function that gives a PyTorch `state_dict` of what `get_weights` of the Keras model gives.

    Of a sum the first tensor has all of it and the others are zero. What PyTorch's model has alone is not in it.
    """
    parts: dict[str, dict[TensorPart, str]] = {}
    for pair in pairing.pairs:
        source = _turned_back(pair, torch, keras)
        for place, part in enumerate(pair.torch):
            tensor = torch.tensor[part.tensor]
            each = source if place == 0 else f"np.zeros({part.shape(tensor.shape)}, dtype=np.float32)"
            parts.setdefault(tensor.name, {})[part] = each
    lines = []
    for tensor in torch.tensors:
        if tensor.name in parts:
            source = _joined(parts[tensor.name], tensor.shape)
            lines += [f"        {name!r}: torch.tensor({source})," for name in (tensor.name, *tensor.also)]
    return _script(["import numpy as np", "import torch"], [
        "def convert(weights):",
        '    """A PyTorch state_dict of the `get_weights()` of the Keras model, for load_state_dict(..., strict=False)."""',
        "    return {", *lines, "    }",
    ])  # fmt: skip


def _turned_back(pair: PairedParameters, torch: Inventory, keras: Inventory) -> str:
    """Keras's part of a pair with PyTorch's axes and shape, as code that reads the arrays of a list `weights`."""
    tensor = keras.tensor[pair.keras.tensor]
    source = pair.keras.source(f"weights[{tensor.index}]", tensor.shape)
    shape = pair.keras.shape(tensor.shape)
    own = pair.torch[0].shape(torch.tensor[pair.torch[0].tensor].shape)
    layout = _plain(pair.layout)
    there = layout.turned(own)
    source = _shaped(source, shape, there)
    source = _shaped(turned_source(source, there, layout.back()), layout.back().turned(there), own)
    return _reordered(source, pair.layout.blocks.get(TENSORFLOW, ()), pair.layout.blocks.get(TORCH, ()))
