"""A layer that a row knows: its source in each framework, its parameters, and how each is filled by default."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import UNKNOWN, text_of, value_of
from tfpt_cli.dictionary.rows import CELL, COPY
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.trees import branches, called_name, nodes
from tfpt_cli.layers.initializers import (
    Fans,
    InitializerCall,
    cannot_take,
    formula,
    layer_source,
    native_fill,
    native_source,
    not_the_same,
    written,
)
from tfpt_cli.layers.layout import Layout
from tfpt_cli.layers.parameters import FilledParameter, Initialization

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.dictionary.records import Layer, LayerParameter
    from tfpt_cli.frameworks import Framework
    from tfpt_cli.language.shapes import Shape

MAX_WEIGHTS = 100_000_000


@dataclass(frozen=True)
class Copy:
    """One layer and direction of a recurrent stack, for instance the first layer read backwards.

    `suffix` ends PyTorch's names (`_l0_reverse`), `cell` is the expression of Keras's cell, `input_size` the size of its input,
    and `index` the number of the layer, from 0. `bidirectional` says that there is one for each direction.
    """

    suffix: str
    cell: str
    input_size: int
    index: int
    bidirectional: bool = False


def copies(row: Layer, names: Mapping[str, Any]) -> list[Copy]:
    """One `Copy` for every layer and direction of a recurrent row, by the settings in `names`; one in all for any other row.

    >>> from tfpt_cli.dictionary.rows import dictionary
    >>> found = copies(dictionary().layers["lstm"], {"hidden_size": 4, "input_size": 3, "bidirectional": True})
    >>> [(copy.suffix, copy.cell, copy.input_size) for copy in found]
    [('_l0', 'layer.forward_layer.cell', 3), ('_l0_reverse', 'layer.backward_layer.cell', 3)]
    """
    if not row.recurrent:
        return [Copy(suffix="", cell="layer", input_size=0, index=0)]
    depth, directions = names.get("num_layers", 1), ("", "_reverse")[: 1 + names.get("bidirectional", False)]
    found = []
    for index in range(depth):
        holder = f"layer.layers[{index}]" if depth > 1 else "layer"
        for direction in directions:
            way = "" if len(directions) == 1 else (".backward_layer" if direction else ".forward_layer")
            size = names["hidden_size"] * len(directions) if index else names.get("input_size", 0)
            found.append(
                Copy(
                    suffix=f"_l{index}{direction}",
                    cell=f"{holder}{way}.cell",
                    input_size=size,
                    index=index,
                    bidirectional=len(directions) > 1,
                )
            )
    return found


def stacked(cell: ast.Call, depth: int, bidirectional: bool) -> ast.Call:
    """Keras's layers for a stack that repeats one cell `depth` times: a layer alone, or a `Sequential` of several.

    Where it is `bidirectional`, each layer is wrapped to run in both directions. The cell itself says that it hands on the
    whole sequence.
    """
    wrapper = ast.parse("keras.layers.Bidirectional", mode="eval").body
    one = ast.Call(wrapper, [cell], []) if bidirectional else cell
    if depth == 1:
        return one
    return ast.Call(ast.parse("keras.Sequential", mode="eval").body, [ast.List([one] * depth, ast.Load())], [])


@dataclass(frozen=True)
class Slot:
    """One parameter of a known layer, before anything but the layer itself fills it.

    `name` is the quantity; `shape` PyTorch's shape and `turned` Keras's, each by its own call's settings; `fans` what
    each framework counts, `both` what a neutral initializer means by them.
    """

    entry: LayerParameter
    name: str
    copy: Copy
    attribute: Mapping[str, str | None]
    layout: Layout
    shape: Shape | None
    turned: Shape | None
    fans: Mapping[str, Fans | None]
    both: Fans | None
    default: Mapping[str, Initialization]

    def parameter(
        self,
        initialization: Mapping[str, Initialization],
        given: tuple[str, ...] | None = None,
        rebuilt: frozenset[str] = frozenset(),
    ) -> FilledParameter:
        """The parameter with an initialization for each framework, and the statements that fill it in PyTorch, where given."""
        attribute = self.attribute[TENSORFLOW] or ""
        holder = attribute.split("[")[0] if attribute.endswith("]") else attribute
        ours = self.attribute[TORCH] or ""
        keras_initializer = self._initializer(holder, initialization[TENSORFLOW])
        if not keras_initializer:
            rebuilt |= {TENSORFLOW}
        return FilledParameter(
            name=self.name,
            attribute=self.attribute,
            layout=self.layout,
            shape=self.shape,
            initialization=initialization,
            given=given,
            keras_initializer=keras_initializer,
            reset=self.entry.reset or f"{ours.split(' + ')[0].rpartition('.')[0]}.reset_parameters()",
            # How often to draw a tensor whose shape no formula tells, only the layer itself can say.
            rebuilt=rebuilt if self.shape is not None else frozenset(FRAMEWORKS),
        )

    def _initializer(self, holder: str, initialization: Initialization) -> str:
        """The Keras expression of the initializer that draws this parameter; empty where only the layer can."""
        if not self.entry.keras_argument or not holder:
            return ""
        if self.entry.copied is not None:
            if initialization.base is None:
                return ""
            if initialization.scaled:
                return f"copies[{self.entry.copied}]"
        return f"{holder.rpartition('.')[0]}.{self.entry.keras_argument}"

    def filled(self, initializer: InitializerCall) -> dict[str, Initialization]:
        """The initialization of each framework by a neutral initializer, each in the framework's own spelling."""
        shape, first = self.turned or (), self.layout.first()

        def one(framework: str) -> Initialization:
            fans = self.fans[framework]
            source = partial(written, initializer, framework, fans, self.both, shape, first)
            return Initialization(
                initializer=initializer, at=initializer.base, meant=self.both, fans=fans, write=source
            )

        return {framework: one(framework) for framework in FRAMEWORKS}

    def native(self, tree: ast.expr, framework: str) -> Initialization:
        """The initialization of one framework by a native initializer."""
        initializer, fans = native_fill(tree, framework), self.fans[framework]
        return Initialization(
            initializer=initializer,
            at=initializer.base if initializer else None,
            meant=fans,
            fans=fans,
            write=partial(native_source, tree, framework),
        )

    def too_many(self, framework: str) -> str:
        """The complaint that it has more values in a framework than can be compared; empty where it has not."""
        shape = self.shape if framework == TORCH else self.turned
        weights = math.prod(shape or ())
        if weights <= MAX_WEIGHTS:
            return ""
        return f"{self.name} would have {weights:.3g} values; at most {MAX_WEIGHTS:,} are allowed"

    def refused(self, initializer: InitializerCall) -> str:
        """Why this parameter cannot be filled by an initializer, because of how many axes it has; empty where it can."""
        if self.shape is None or self.turned is None:
            return ""
        shape = self.shape if len(self.shape) <= len(self.turned) else self.turned
        return cannot_take(initializer.row, shape)

    def not_the_same(self, initializer: InitializerCall) -> str:
        """Why a neutral initializer cannot fill this parameter alike on both sides; empty where it does."""
        if self.shape is None or self.turned is None:
            return ""
        names = {
            "shape": self.shape,
            "turned": self.turned,
            "gate_orders": len(set(self.layout.blocks.values())),
            "merged": "(" in self.layout.pattern,
            "bidirectional": self.copy.bidirectional,
        }
        return not_the_same(initializer.row, {**initializer.settings, **names})


def slots(row: Layer, settings: Mapping[str, Mapping[str, Any]]) -> Iterator[Slot]:
    """The parameters of a layer, one after another, for the layer's settings by framework.

    A setting that a native call does not tell is missing there.

    >>> from tfpt_cli.dictionary.rows import dictionary
    >>> settings = {"in_features": 3, "out_features": 4, "bias": True}
    >>> [(s.name, s.shape, s.turned) for s in slots(dictionary().layers["linear"], {f: settings for f in FRAMEWORKS})]
    [('weight', (4, 3), (3, 4)), ('bias', (4,), (4,))]
    """
    known = {framework: row.names(values) for framework, values in settings.items()}
    every = copies(row, known[TORCH])
    for copy in every:
        names = {
            f: {**values, "input_size": copy.input_size} if row.recurrent else values for f, values in known.items()
        }
        fans_of: dict[str, Mapping[str, Fans | None]] = {}
        for entry in row.parameters.values():
            attribute = {f: _attribute(entry, f, names[f], copy) for f in FRAMEWORKS}
            if not any(attribute.values()):
                continue
            sizes = {axis: _size(_value(tree, names[TORCH])) for axis, tree in entry.sizes.items()}
            blocks = {"gate": len(entry.blocks[TORCH])} if entry.blocks else {}
            layout = Layout(entry.layout, {**{a: s for a, s in sizes.items() if s is not None}, **blocks}, entry.blocks)
            shapes = {f: _shape(entry, values) for f, values in names.items()}
            turned = _turned(layout, shapes[TENSORFLOW])
            held = {TORCH: shapes[TORCH], TENSORFLOW: turned}
            fans: dict[str, Fans | None] = {f: _fans(entry, f, names[f], shape) for f, shape in held.items()}
            both = _value(entry.fans["both"], names[TORCH]) if "both" in entry.fans else fans[TORCH]
            fans_of[entry.name] = fans
            written_in = fans_of.get(entry.fans_of, fans)
            default = {
                f: _default(entry, f, names[f], written_in[f], fans[f]) if attribute[f] else Initialization()
                for f in FRAMEWORKS
            }
            name = entry.name + (copy.suffix if len(every) > 1 else "")
            yield Slot(
                entry=entry,
                name=name,
                copy=copy,
                attribute=attribute,
                layout=layout,
                shape=shapes[TORCH],
                turned=turned,
                fans=fans,
                both=both,
                default=default,
            )


def _attribute(entry: LayerParameter, framework: str, names: Mapping[str, Any], copy: Copy) -> str | None:
    if entry.present is not None and names.get(entry.present, True) is False:
        return None
    tree = entry.attribute[framework]
    while isinstance(tree, ast.IfExp):
        tree = tree.body if _value(tree.test, names) in (True, None) else tree.orelse
    text = text_of(tree)
    if text == "None":
        return None
    text = text.replace(COPY, copy.suffix).replace(CELL, copy.cell)
    if framework == TORCH and entry.added is not None:
        return f"{text} + {text_of(entry.added).replace(COPY, copy.suffix)}"
    return text


def _shape(entry: LayerParameter, names: Mapping[str, Any]) -> Shape | None:
    """The shape of a parameter; None where it is not known."""
    shape: Shape | None = _value(entry.shape, names)
    return shape if shape is None or all(_size(size) is not None for size in shape) else None


def _size(value: Any) -> Any:
    """The length of an axis; None where it is not known, and where it is no real number, as the framework itself will say."""
    return value if isinstance(value, (int, float)) else None


def _fans(entry: LayerParameter, framework: Framework, names: Mapping[str, Any], shape: Shape | None) -> Fans | None:
    """The fans that a framework counts: as the row has them, else of the shape; None where that is not known."""
    if framework in entry.fans:
        fans: Fans | None = _value(entry.fans[framework], names)
        return fans
    return None if shape is None else framework.fans(shape)


def _default(
    entry: LayerParameter, framework: str, names: Mapping[str, Any], fans: Fans | None, own: Fans | None
) -> Initialization:
    tree = entry.default.get(framework)
    if tree is None:
        return Initialization(default=True)
    while isinstance(tree, ast.IfExp):
        tree = tree.body if _value(tree.test, names) in (True, None) else tree.orelse
    return Initialization(
        initializer=None, at=partial(formula, tree, names), meant=fans, fans=own, formula=text_of(tree), default=True
    )


def _value(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    try:
        return value_of(tree, names)
    except UNKNOWN:
        return None


def _turned(layout: Layout, shape: Shape | None) -> Shape | None:
    try:
        return None if shape is None else layout.turned(shape)
    except ValueError:
        return None


def build_argument(row: Layer, names: Mapping[str, Any], given: tuple[int, ...] | None = None) -> str:
    """The source of the argument of Keras's `build`: the input's shape with the batch, or several of them.

    `given` is the scenario's own input shape, without the batch.
    """
    batch = [None]
    if row.build is not None:
        shapes = [tuple(batch + list(shape)) for shape in value_of(row.build, names)]
        if given is not None:
            shapes = [(None, *given), *((None, *given[:-1], shape[-1]) for shape in shapes[1:])]
        return ", ".join(map(str, shapes))
    shape = given if given is not None else tuple(size for size in value_of(row.input_shape, names) if size is not ...)
    return str((None, *shape)) if shape else "(None,)"


def layer_call(
    row: Layer,
    settings: Mapping[str, Any],
    given: set[str],
    keywords: Mapping[str, Initialization | str],
    framework: str,
) -> str:
    """The source of a layer in a framework; Keras's gets its initializers (and plain text) as `keywords`.

    >>> from tfpt_cli.dictionary.rows import dictionary
    >>> settings = {"in_features": 3, "out_features": 4, "bias": True}
    >>> layer_call(dictionary().layers["linear"], settings, set(settings), {}, "tensorflow")
    'keras.layers.Dense(4, use_bias=True)'
    """
    call = layer_source(row.spelling[framework], row.names(settings), row.left_out(given), framework)
    if framework == TENSORFLOW:
        # Beside a layer that pads or crops, the arguments belong to the one that holds the parameters.
        own = called_name(branches(row.spelling[framework])[0])
        holder = next(node for node in nodes(call) if called_name(node) == own)
        assert isinstance(holder, ast.Call)
        for name, value in keywords.items():
            text = value if isinstance(value, str) else value.source
            holder.keywords.append(ast.keyword(name, ast.parse(text, mode="eval").body))
        if row.recurrent:
            call = stacked(call, settings["num_layers"], settings["bidirectional"])
    return ast.unparse(call)
