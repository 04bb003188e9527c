"""Reads an init scenario with one spelling a side."""

from __future__ import annotations

import ast
import keyword
import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import Layer, called_name, dictionary
from tfpt_cli.dictionary.signature import bind_any
from tfpt_cli.results import FRAMEWORKS, LABELS
from tfpt_cli.subjects.init.fillings import constants, default_filling, native_filling, shape_if_known
from tfpt_cli.subjects.init.spec import NAME, RESERVED, Filling, Init, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.scenario.reader import Reader


class NativeReader:
    """Reads a scenario with one spelling a side."""

    def __init__(self, reader: Reader, dtype: str, seed: int, samples: int) -> None:
        self.reader, self.dtype, self.seed, self.samples = reader, dtype, seed, samples

    def read(self) -> Init | None:
        reader = self.reader
        calls = {f: reader.native((NAME, f, "layer"), f, set(), what="a native layer") for f in FRAMEWORKS}
        fillings = self.torch_fillings()
        for name in reader.get(NAME, default={}):
            if name not in RESERVED:
                message = f"'{name}' goes under 'torch' (in Keras, into the layer: kernel_initializer=...)"
                reader.complain((NAME, name), message, key=True)
        torch_call, keras_call = calls["torch"], calls["tensorflow"]
        if not isinstance(torch_call, ast.Call) or not isinstance(keras_call, ast.Call):
            return None
        if not all(
            [self.is_layer(torch_call, "torch", "nn."), self.is_layer(keras_call, "tensorflow", "keras.layers.")]
        ):
            return None
        pair = reader.get(NAME, "pair")
        row, settings = self.row(torch_call, keras_call)
        if row is None and pair is None:
            names = f"{called_name(torch_call)} and {called_name(keras_call)}"
            reader.complain(
                (NAME,),
                f"no row knows {names} as one layer; name the parameters, such as pair: {{weight: kernel}}",
                key=True,
            )
            return None
        parameters = (
            self.paired(pair, fillings)
            if pair is not None or row is None
            else self.known(row, settings, torch_call, keras_call, fillings)
        )
        there = [parameter.name for parameter in parameters]
        for name in fillings:
            if name not in there:
                words = f"the layer has no parameter '{name}' here (it has {', '.join(there)})"
                reader.complain((NAME, "torch", name), words, key=True)
        layer = {f: ast.unparse(call) for f, call in calls.items() if call is not None}
        return Init(
            layer,
            tuple(int(size) for size in reader.get(NAME, "tensorflow", "input_shape")),
            tuple(parameters),
            self.samples,
            "\n".join(f"{LABELS[f]:<10}  {layer[f]}" for f in FRAMEWORKS),
            self.dtype,
            self.seed,
            known=row is not None and pair is None,
        )

    def is_layer(self, call: ast.Call, framework: str, module: str) -> bool:
        """Whether a call makes a layer; complains if not."""
        full = native(framework).canonical(called_name(call))
        if full.startswith(module) and full[len(module) :][:1].isupper():
            return True
        self.reader.complain((NAME, framework, "layer"), f"'{ast.unparse(call.func)}' is not a layer ({module}...)")
        return False

    def torch_fillings(self) -> dict[str, ast.Call]:
        """The checked calls that fill PyTorch's parameters; the tensor is passed in by the listing."""
        found: dict[str, ast.Call] = {}
        for name in self.reader.get(NAME, "torch", default={}):
            if name == "layer":
                continue
            path = (NAME, "torch", name)
            if not _is_parameter_name(name):
                self.reader.complain(path, f"'{name}' is not the name of a parameter", key=True)
                continue
            call = self.reader.native(path, "torch", set(), what="a native initializer", given=1)
            if isinstance(call, ast.Call):
                full = native("torch").canonical(called_name(call))
                if not (full.startswith("nn.init.") and full.endswith("_")):
                    self.reader.complain(path, f"'{ast.unparse(call.func)}' is not an initializer of nn.init")
                found[name] = call
        return found

    def row(self, torch_call: ast.Call, keras_call: ast.Call) -> tuple[Layer | None, dict[str, dict[str, Any]]]:
        """The row that knows both classes, and the settings that each call means by it."""
        for row in dictionary().layers.values():
            trees = {
                "torch": settings_of(row.spelling["torch"], torch_call, "torch"),
                "tensorflow": settings_of(row.spelling["tensorflow"], keras_call, "tensorflow"),
            }
            if all(tree is not None for tree in trees.values()):
                return row, {f: constants(tree or {}) for f, tree in trees.items()}
        return None, {}

    def known(
        self,
        row: Layer,
        settings: dict[str, dict[str, Any]],
        torch_call: ast.Call,
        keras_call: ast.Call,
        fillings: dict[str, ast.Call],
    ) -> list[Parameter]:
        """The parameters of a pair of layers that a row knows."""
        reader = self.reader
        given = tuple(reader.get(NAME, "tensorflow", "input_shape"))
        sides = dict(settings)
        for name, size in zip(_names_of(row.input_shape), given[-len(_names_of(row.input_shape)) :], strict=False):
            sides["tensorflow"] = {name: size, **sides["tensorflow"]}
        layouts = reader.get(NAME, "layout", default={})
        for name in layouts:
            reader.choose((NAME, "layout", name), list(row.parameters), "parameter", name)
        name = native("tensorflow").canonical(called_name(keras_call))
        _, keras_arguments, _ = bind_any(name, native("tensorflow").calls[name], keras_call)
        parameters = []
        for name, entry in row.parameters.items():
            attribute: dict[str, str | None] = dict(entry.attribute)
            filling = {f: Filling() for f in FRAMEWORKS}
            for framework in FRAMEWORKS:
                if entry.present is not None and sides[framework].get(entry.present) is False:
                    attribute[framework] = None
                    continue
                default = default_filling(entry, framework, sides[framework])
                filling[framework] = default
            if name in fillings and attribute["torch"] is None:
                message = f"{ast.unparse(torch_call)} has no {name}"
                reader.complain((NAME, "torch", name), message, key=True)
            elif name in fillings:
                filling["torch"] = native_filling(fillings[name], "torch")
            argument = keras_arguments.get(entry.keras_argument)
            if argument is not None and attribute["tensorflow"] is not None:
                filling["tensorflow"] = native_filling(argument, "tensorflow")
            shape = shape_if_known(entry.shape, sides["torch"])
            parameters.append(
                Parameter(
                    name, attribute, self.layout(layouts, name, entry.layout), shape, filling, entry.keras_argument
                )
            )
        return parameters

    def paired(self, pair: Mapping[str, str] | None, fillings: dict[str, ast.Call]) -> list[Parameter]:
        """The parameters that the scenario itself pairs."""
        layouts = self.reader.get(NAME, "layout", default={})
        parameters = []
        for ours, theirs in (pair or {}).items():
            for name, numbers in ((ours, True), (theirs, False)):
                if not _is_parameter_name(name, numbers=numbers):
                    self.reader.complain((NAME, "pair", ours), f"'{name}' is not the name of a parameter")
            filling = {
                "torch": native_filling(fillings[ours], "torch") if ours in fillings else Filling(),
                "tensorflow": Filling(),
            }
            layout = self.layout(layouts, ours, "")
            parameters.append(Parameter(ours, {"torch": ours, "tensorflow": theirs}, layout, None, filling))
        for name in layouts:
            self.reader.choose((NAME, "layout", name), list(pair or {}), "parameter", name)
        return parameters

    def layout(self, layouts: Mapping[str, str], name: str, default: str) -> str:
        if name not in layouts:
            return default
        from tfpt_cli.compare.layout import problem_in

        problem = problem_in(layouts[name])
        if problem:
            self.reader.complain((NAME, "layout", name), problem)
        return layouts[name]


def _is_parameter_name(name: str, *, numbers: bool = True) -> bool:
    """Words joined by points, as in `0.weight` or `cell.kernel`: nothing private, nothing that Python reads otherwise."""
    words = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9]+" if numbers else r"[A-Za-z][A-Za-z0-9_]*")
    parts = name.split(".")
    return all(words.fullmatch(part) and "__" not in part and not keyword.iskeyword(part) for part in parts)


def _names_of(tree: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
