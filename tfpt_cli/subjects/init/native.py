"""Reads an init scenario with one spelling a side."""

from __future__ import annotations

import ast
import keyword
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.mentions import field, typed
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.initializers import native_fill, native_source
from tfpt_cli.layers.known import arguments_of, known_row, unstacked
from tfpt_cli.layers.layout import Layout, layout_of
from tfpt_cli.layers.parameters import FilledParameter, Initialization
from tfpt_cli.layers.slots import Slot, build_argument, slots
from tfpt_cli.subjects.init.spec import NAME, RESERVED, Init

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Layer
    from tfpt_cli.documents.reader import Reader


class NativeReader:
    """Reads a scenario with one spelling a side."""

    def __init__(self, reader: Reader, dtype: str, seed: int, samples: int) -> None:
        self.reader, self.dtype, self.seed, self.samples = reader, dtype, seed, samples

    def read(self) -> Init | None:
        reader = self.reader
        calls = {f: reader.native((NAME, f, "layer"), f, set(), what="a native layer", made=True) for f in FRAMEWORKS}
        initializers = self.torch_initializers()
        for name in reader.get(NAME, default={}):
            if name not in RESERVED:
                message = f"'{name}' goes under 'torch' (in Keras, into the layer: kernel_initializer=...)"
                reader.complain((NAME, name), message, key=True)
        torch_call, keras_call = calls[TORCH], calls[TENSORFLOW]
        if not isinstance(torch_call, ast.Call) or not isinstance(keras_call, ast.Call):
            return None
        if not all([self.is_layer(torch_call, TORCH, "nn."), self.is_layer(keras_call, TENSORFLOW, "keras.layers.")]):
            return None
        pair = reader.get(NAME, "pair")
        row, settings = known_row(torch_call, keras_call)
        if row is not None and row.recurrent and not self.is_stacked_alike(settings):
            return None  # each layer of a stack is looked at below, and a stranger may have written a billion of them
        if row is None and pair is None:
            names = f"{called_name(torch_call)} and {called_name(keras_call)}"
            words = f"no row knows {names} as one layer; name the parameters that correspond"
            reader.complain((NAME,), f"{words}, such as {_pairing(torch_call, keras_call)}", key=True)
            return None
        given = tuple(int(size) for size in reader.get(NAME, TENSORFLOW, "input_shape"))
        build = str((None, *given))
        if pair is not None or row is None:
            parameters = self.paired(pair, initializers, {TORCH: torch_call, TENSORFLOW: keras_call})
        else:
            self.check_input(row, settings[TENSORFLOW], keras_call, given)
            parameters = self.known(row, settings, keras_call, initializers)
            if row.build is not None:
                build = build_argument(row, row.names(settings[TORCH]), given)
        layer = {f: ast.unparse(call) for f, call in calls.items() if call is not None}
        return Init(
            layer=layer,
            build=build,
            parameters=tuple(parameters),
            samples=self.samples,
            written=layer,
            dtype=self.dtype,
            seed=self.seed,
            about=(row.notes,) if row is not None and row.notes and pair is None else (),
        )

    def is_layer(self, call: ast.Call, framework: str, module: str) -> bool:
        """Whether a call makes a layer; complains if not."""
        full = native(framework).canonical(called_name(call))
        if (full.startswith(module) and full[len(module) :][:1].isupper()) or full == "keras.Sequential":
            return True
        self.reader.complain((NAME, framework, "layer"), f"'{ast.unparse(call.func)}' is not a layer ({module}...)")
        return False

    def torch_initializers(self) -> dict[str, ast.Call]:
        """The checked calls that fill PyTorch's parameters; the tensor is passed in by the listing."""
        found: dict[str, ast.Call] = {}
        for name in self.reader.get(NAME, TORCH, default={}):
            if name == "layer":
                continue
            path = (NAME, TORCH, name)
            if not _is_parameter_name(name):
                self.reader.complain(path, f"'{name}' is not the name of a parameter", key=True)
                continue
            call = self.reader.native(path, TORCH, set(), what="a native initializer", given=1)
            if isinstance(call, ast.Call):
                full = native(TORCH).canonical(called_name(call))
                if not (full.startswith("nn.init.") and full.endswith("_")):
                    self.reader.complain(path, f"'{ast.unparse(call.func)}' is not an initializer of nn.init")
                found[name] = call
        return found

    def is_stacked_alike(self, settings: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the two sides stack the same layers and directions; complains if not."""
        stacks = {f: (values.get("num_layers"), values.get("bidirectional")) for f, values in settings.items()}
        if stacks[TORCH] != stacks[TENSORFLOW]:
            words = [
                f"{FRAMEWORKS[f].label} has {n} layer{'s' * (n != 1)} in {'both directions' if both else 'one direction'}"
                for f, (n, both) in stacks.items()
            ]
            self.reader.complain((NAME, TENSORFLOW, "layer"), ", ".join(words))
        return stacks[TORCH] == stacks[TENSORFLOW]

    def check_input(self, row: Layer, settings: dict[str, Any], keras_call: ast.Call, given: tuple[int, ...]) -> None:
        """Complains about an input shape with the wrong number of axes; notes the sizes that it gives the layer."""
        assert isinstance(row.input_shape, ast.Tuple)
        order = arguments_of(keras_call).get("data_format")
        first = isinstance(order, ast.Constant) and order.value == "channels_first"
        for element, size in zip(reversed(row.input_shape.elts), given if first else reversed(given), strict=False):
            if not isinstance(element, ast.Name):
                break
            settings[element.id] = size
        try:
            usual = dict.fromkeys((p.name for p in row.signature.parameters), 1) | row.signature.defaults
            shape = value_of(row.input_shape, row.names({**usual, **settings}))
        except UNKNOWN:
            return
        open_ended = ... in shape
        needed = len(shape) - open_ended
        if len(given) < needed or (len(given) > needed and not open_ended):
            words = f"{'at least ' * open_ended}{needed} ax{'es' if needed != 1 else 'is'} without the batch"
            message = f"{called_name(keras_call)} takes inputs with {words}, got {list(given)}"
            self.reader.complain((NAME, TENSORFLOW, "input_shape"), message)

    def known(
        self, row: Layer, settings: dict[str, dict[str, Any]], keras_call: ast.Call, initializers: dict[str, ast.Call]
    ) -> list[FilledParameter]:
        """The parameters of a pair of layers that a row knows."""
        reader = self.reader
        layouts = reader.get(NAME, "layout", default={})
        cells = unstacked(keras_call)[0] if row.recurrent else [keras_call]
        there = list(slots(row, settings))
        if not there:
            reader.complain((NAME,), "these layers hold no weights: there is nothing to compare", key=True)
        self.check_size(there)
        used: set[str] = set()
        parameters = []
        for slot in there:
            ours, statements, again = self.filled_in_torch(slot, initializers, used)
            theirs, again_in_keras = self.filled_in_keras(slot, cells[slot.copy.index if len(cells) > 1 else 0])
            sides: dict[str, Initialization] = {TORCH: ours, TENSORFLOW: theirs}
            rebuilt = frozenset(f for f, built in ((TORCH, again), (TENSORFLOW, again_in_keras)) if built)
            parameter = slot.parameter(sides, statements, rebuilt)
            parameters.append(replace(parameter, layout=self.layout(layouts, slot.name, parameter.layout)))
        names = [parameter.name for parameter in parameters]
        for name in layouts:
            reader.is_one_of((NAME, "layout", name), names, "parameter", name)
        missing = [slot.name for slot in there if slot.attribute[TORCH] is None]
        for name in initializers:
            if name in missing:
                reader.complain((NAME, TORCH, name), f"{reader.get(NAME, TORCH, 'layer')} has no {name}", key=True)
            elif name not in used:
                self.unknown_parameter(name, there)
        return parameters

    def filled_in_torch(
        self, slot: Slot, initializers: Mapping[str, ast.Call], used: set[str]
    ) -> tuple[Initialization, tuple[str, ...], bool]:
        """How PyTorch fills a parameter, its statements, and whether only building the layer again draws it.

        The names that fill something are added to `used`.
        """
        initialization, again = slot.default[TORCH], False
        statements: tuple[str, ...] = ()
        tensors = (slot.attribute[TORCH] or "").split(" + ")
        for name, call in initializers.items():
            target = _target(name)
            if target in tensors or name == slot.name:
                initialization = slot.native(call, TORCH)
                self.check_fit(slot, initialization, (NAME, TORCH, name))
                statements += (_statement(call, tensors[0] if name == slot.name else target),)
            elif any(tensor.startswith(f"{target}.") for tensor in tensors):
                # A packed tensor is filled as a whole, by whichever of its parts comes first.
                statements += () if name in used else (_statement(call, target),)
                # A part of a tensor is filled like the whole, unless the fans or the structure of the whole count.
                initializer = native_fill(call, TORCH)
                alike = (
                    initializer
                    if initializer is not None and not (initializer.row.means or initializer.row.structure)
                    else None
                )
                initialization, again = (
                    Initialization(alike, alike.base if alike else None, fans=slot.fans[TORCH]),
                    True,
                )
            else:
                continue
            used.add(name)
        if len(tensors) > 1 and statements:
            return self.summed(slot, initializers), statements, True
        return initialization, statements, again

    def filled_in_keras(self, slot: Slot, call: ast.Call) -> tuple[Initialization, bool]:
        """How the Keras call fills a parameter, and whether only building the layer again draws it."""
        arguments = arguments_of(call)
        argument = arguments.get(slot.entry.keras_argument)
        also = {name: ast.unparse(arguments[name]) for name in slot.entry.also if name in arguments}
        if slot.attribute[TENSORFLOW] is None:
            return slot.default[TENSORFLOW], False
        if argument is None:
            return Initialization(default=True) if also else slot.default[TENSORFLOW], False
        initialization = slot.native(argument, TENSORFLOW)
        self.check_fit(slot, initialization, (NAME, TENSORFLOW, "layer"))
        return initialization, also != {name: str(value) for name, value in slot.entry.also.items()}

    def check_size(self, there: list[Slot]) -> None:
        """Complains about a layer that would not fit into memory, on the side that asks for it."""
        for framework in FRAMEWORKS:
            for slot in there:
                too_many = slot.too_many(framework)
                if too_many:
                    self.reader.complain((NAME, framework, "layer"), too_many)

    def unknown_parameter(self, name: str, there: list[Slot]) -> None:
        tensors = [t.removeprefix("layer.") for s in there for t in (s.attribute[TORCH] or "").split(" + ") if t]
        listed = dict.fromkeys(re.sub(r"\.detach\(\).*", "", tensor) for tensor in tensors)
        words = f"the layer has no parameter '{name}' here (it has {', '.join(listed)})"
        self.reader.complain((NAME, TORCH, name), words, key=True)

    def summed(self, slot: Slot, initializers: Mapping[str, ast.Call]) -> Initialization:
        """What a sum of two tensors is filled with: known where the second is filled with zeros."""
        tensors = (slot.attribute[TORCH] or "").split(" + ")
        calls = {_target(name): call for name, call in initializers.items()}
        parts = [slot.native(calls[tensor], TORCH) if tensor in calls else None for tensor in tensors]
        zeros = [part is not None and part.base is not None and part.base.row.fills == 0 for part in parts]
        other = next((part for part, zero in zip(parts, zeros, strict=True) if not zero), parts[0])
        return other if any(zeros) and other is not None else Initialization(fans=slot.fans[TORCH])

    def check_fit(self, slot: Slot, initialization: Initialization, path: tuple[str, ...]) -> None:
        """Complains where a parameter cannot take its initializer, or that its own arguments."""
        initializer = initialization.initializer
        if initializer is None:
            return
        wrong = initializer.row.signature.wrong(initializer.row.name, initializer.settings)
        refused = slot.refused(initializer)
        if path[1] == TENSORFLOW and initializer.row.means is not None:
            refused = ""  # Keras counts fans for a vector too
        for words in [*wrong, *([refused] if refused and not wrong else [])]:
            self.reader.complain(path, f"{slot.name}: {words}")

    def paired(
        self, pair: Mapping[str, str] | None, initializers: dict[str, ast.Call], calls: Mapping[str, ast.Call]
    ) -> list[FilledParameter]:
        """The parameters that the scenario itself pairs."""
        layouts = self.reader.get(NAME, "layout", default={})
        parameters = []
        for ours, theirs in (pair or {}).items():
            for name in (ours, theirs):
                if not _is_parameter_name(name) or (name == theirs and name[:1].isdigit()):
                    words = f"'{name}' is not the name of a parameter, such as weight, 0.weight or layers.0.kernel"
                    self.reader.complain((NAME, "pair", ours), words)
            holder = f'layer.state_dict()["{ours}"]'
            initialization = {f: Initialization() for f in FRAMEWORKS}
            statements: tuple[str, ...] = ()
            fill = initializers.get(ours)
            if fill is not None:
                initializer = native_fill(fill, TORCH)
                # Fans of a tensor whose shape no row knows are not known either.
                initialization[TORCH] = Initialization(
                    initializer, initializer.base if initializer else None, write=partial(native_source, fill, TORCH)
                )
                statements = (_statement(fill, holder),)
            attribute: dict[str, str | None] = {TORCH: holder, TENSORFLOW: _target(theirs)}
            parameter = FilledParameter(
                name=ours,
                attribute=attribute,
                layout=self.layout(layouts, ours, Layout()),
                shape=None,
                initialization=initialization,
                given=statements,
                rebuilt=frozenset(FRAMEWORKS),
            )
            slot = _slot_inside(ours, theirs, calls)
            parameters.append(parameter if slot is None else _drawn_inside(parameter, slot, theirs, calls, fill))
        for name in initializers:
            if name not in (pair or {}):
                words = f"the layer has no parameter '{name}' here (it has {', '.join(pair or {})})"
                self.reader.complain((NAME, TORCH, name), words, key=True)
        for name in layouts:
            self.reader.is_one_of((NAME, "layout", name), list(pair or {}), "parameter", name)
        return parameters

    def layout(self, layouts: Mapping[str, str], name: str, default: Layout) -> Layout:
        if name not in layouts:
            return default
        from tfpt_cli.compare.layout import problem_in

        problem = problem_in(layouts[name])
        if problem:
            self.reader.complain((NAME, "layout", name), problem)
        return Layout() if problem else layout_of(layouts[name])


def _pairing(torch_call: ast.Call, keras_call: ast.Call) -> str:
    """The fields by which a scenario pairs the parameters of two layers, of two Sequentials those of their layers in order."""
    pairs: dict[str, str] = {}
    layouts: dict[str, str] = {}
    theirs = list(enumerate(_held(keras_call)))
    for index, ours in enumerate(_held(torch_call)):
        for place, (number, other) in enumerate(theirs):
            row, settings = known_row(ours, other)
            if row is None or row.recurrent:
                continue
            for slot in slots(row, settings):
                left, right = slot.attribute[TORCH], slot.attribute[TENSORFLOW]
                if left is not None and right is not None:
                    name = left.replace("layer", str(index), 1)
                    pairs[name] = right.replace("layer", f"layers.{number}", 1)
                    if slot.entry.layout and len(slot.entry.layout.split("->")[0].split()) > 1:
                        layouts[name] = slot.entry.layout
            theirs = theirs[place + 1 :]
            break
    if not pairs:
        return field("pair", "weight", "kernel")
    if not typed():
        listed = [", ".join(f"{name}: {value}" for name, value in given.items()) for given in (pairs, layouts)]
        return ", ".join(f"{key}: {{{text}}}" for key, text in zip(("pair", "layout"), listed, strict=True) if text)
    words = [field("pair", name, value) for name, value in pairs.items()]
    return " ".join([*words, *(f"--layout '{name}={value}'" for name, value in layouts.items())])


def _held(call: ast.Call) -> list[ast.Call]:
    """The layers of a Sequential in order, without its inputs; none of another layer."""
    if called_name(call).rpartition(".")[2] != "Sequential":
        return []
    items = call.args[0].elts if len(call.args) == 1 and isinstance(call.args[0], (ast.List, ast.Tuple)) else call.args
    return [item for item in items if isinstance(item, ast.Call) and "Input" not in called_name(item)]


def _is_parameter_name(name: str) -> bool:
    """Words joined by points, as in `0.weight` or `cell.kernel`: nothing private, nothing that Python reads otherwise."""
    words = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9]+")
    parts = name.split(".")
    return all(words.fullmatch(part) and "__" not in part and not keyword.iskeyword(part) for part in parts)


def _slot_inside(ours: str, theirs: str, calls: Mapping[str, ast.Call]) -> Slot | None:
    """The parameter of a known layer that `0.weight` and `layers.0.kernel` are of two Sequentials; None where no row knows it."""
    held = {TORCH: held_layer(calls[TORCH], ours), TENSORFLOW: held_layer(calls[TENSORFLOW], theirs)}
    if not all(native(f).calls.get(native(f).canonical(called_name(call))) for f, call in held.items()):
        return None
    row, settings = known_row(held[TORCH], held[TENSORFLOW])
    if row is None or (row.recurrent and len(unstacked(held[TENSORFLOW])[0]) != 1):
        return None
    tensor = f"layer.{ours.rpartition('.')[2]}"
    for slot in slots(row, settings):
        if slot.attribute[TORCH] == tensor and (slot.attribute[TENSORFLOW] or "").endswith(theirs.rpartition(".")[2]):
            return slot
    return None


def _drawn_inside(
    parameter: FilledParameter, slot: Slot, theirs: str, calls: Mapping[str, ast.Call], fill: ast.Call | None
) -> FilledParameter:
    """A parameter that the scenario pairs, with what a row knows of the layer of a Sequential that holds it.

    It is drawn by that layer alone: to build all of a network again for each draw of two numbers takes minutes.
    """
    argument = arguments_of(held_layer(calls[TENSORFLOW], theirs)).get(slot.entry.keras_argument)
    inside: dict[str, Initialization] = {
        TORCH: slot.default[TORCH] if fill is None else slot.native(fill, TORCH),
        TENSORFLOW: slot.default[TENSORFLOW] if argument is None else slot.native(argument, TENSORFLOW),
    }
    known = slot.parameter(inside)
    holders = {f: _holder(calls[f], name) for f, name in ((TORCH, parameter.name), (TENSORFLOW, theirs))}
    keras_initializer = known.keras_initializer.replace("layer", holders[TENSORFLOW], 1)
    alone = bool(keras_initializer) and not keras_initializer.startswith("copies") and slot.shape is not None
    if not alone or holders[TORCH] == "layer":
        return replace(parameter, inside=inside)
    return replace(
        parameter,
        inside=inside,
        shape=slot.shape,
        keras_initializer=keras_initializer,
        reset=known.reset.replace("layer", holders[TORCH], 1),
        rebuilt=frozenset(),
    )


def _holder(call: ast.Call, name: str) -> str:
    """The expression of the layer that holds a parameter by its name, `layer.layers[0]` for `layers.0.kernel`."""
    if held_layer(call, name) is call:
        return "layer"
    return _target(name).partition("]")[0] + "]"


def held_layer(call: ast.Call, name: str) -> ast.Call:
    """The layer of a Sequential that holds a parameter by its name, as in `0.weight`; another layer itself.

    >>> net = ast.parse("nn.Sequential(nn.Flatten(), nn.Linear(3, 4))", mode="eval").body
    >>> ast.unparse(held_layer(net, "1.weight"))
    'nn.Linear(3, 4)'
    """
    index = next((int(part) for part in name.split(".") if part.isdigit()), None)
    if index is None or called_name(call).rpartition(".")[2] != "Sequential":
        return call
    layers = _held(call)
    return layers[index] if index < len(layers) else call


def _target(name: str) -> str:
    """The expression that a name in a state_dict stands for: `layer[0].weight` for `0.weight`."""
    return "layer" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))


def _statement(call: ast.Call, target: str) -> str:
    """The statement that fills a tensor by a native initializer."""
    return native_source(call, TORCH).replace("(tensor", f"({target}", 1)
