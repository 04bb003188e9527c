"""The expressions of a gradient scenario: named lines and outputs, neutral or native, written out for every side."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.records import OnDemand
from tfpt_cli.documents.own_file import own_file
from tfpt_cli.documents.reader import bad_name
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.doubling import may_be_doubled
from tfpt_cli.expressions.lifting import NoRow, holds_whole, lifted
from tfpt_cli.expressions.logic import with_logical_calls
from tfpt_cli.expressions.lowering import MAX_PARTS, parts_written, too_long, written
from tfpt_cli.expressions.native import check_native, is_layer, with_full_names
from tfpt_cli.expressions.straight import KEEPING, straight
from tfpt_cli.expressions.whole_numbers import whole_names
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.constants import bad_constants, mark_inputs, substitute
from tfpt_cli.language.expression import Complaint, parse
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import called_name, dotted
from tfpt_cli.subjects.gradient.meaning import Body, Meaning, Meanings
from tfpt_cli.subjects.gradient.spec import NAME, Code, Output, without_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.language.shapes import Shape

_KINDS = {"bool": "booleans", **dict.fromkeys(("uint8", "int8", "int16", "int32", "int64"), "integers")}


@dataclass
class _Line:
    """A line as it was read: its tree by field (`of`, or a framework), the names that it uses, its shape."""

    trees: dict[str, ast.expr] = field(default_factory=dict)
    shape: Shape | None = None
    code: dict[str, Code] = field(default_factory=dict)
    _uses: dict[str, set[str]] = field(default_factory=dict)

    def uses(self, field_: str) -> set[str]:
        """The names that stand in the line as one of the fields has it."""
        if field_ not in self._uses:
            self._uses[field_] = {node.id for node in ast.walk(self.trees[field_]) if isinstance(node, ast.Name)}
        return self._uses[field_]


def needed_whole(reader: Reader, shapes: Mapping[str, Shape | None]) -> set[str]:
    """The inputs that a call in the scenario's code takes as whole numbers alone; it complains about nothing."""
    found: set[str] = set()
    for framework in ("", *FRAMEWORKS):
        lines = reader.get(NAME, "let", framework, default={}) if framework else reader.get(NAME, "let", default={})
        for value in (reader.get(NAME, framework or "of"), lines):
            texts = value.values() if isinstance(value, dict) else [value]
            for text in texts:
                tree = parse(text)[0] if isinstance(text, str) else None
                if tree is not None:
                    found |= whole_names(substitute(tree, reader.case), framework, shapes)
    return found


class Expressions:
    """Reads the expressions of one case."""

    def __init__(self, reader: Reader, inputs: dict[str, Values | None], dtypes: dict[str, str], dtype: str) -> None:
        self.reader, self.inputs, self.dtype = reader, inputs, dtype
        self.shapes: dict[str, Shape | None] = {n: v.shape if v is not None else None for n, v in inputs.items()}
        self.kinds = {name: _KINDS[dtype] for name, dtype in dtypes.items() if dtype in _KINDS}
        self.neutral = reader.get(NAME, "of") is not None
        self.fields = ["of"] if self.neutral else [f for f in FRAMEWORKS if reader.get(NAME, f) is not None]
        self.lines: dict[str, dict[str, _Line]] = {}

    def outputs(self) -> list[Output]:
        """The outputs, after complaining about everything that is wrong in them."""
        if not self._fields_fit():
            return []
        self.lines = {field_: self._read_lines(field_) for field_ in self.fields}
        return [output for name in self._names() if (output := self._output(name)) is not None]

    def _fields_fit(self) -> bool:
        reader = self.reader
        given = [framework for framework in FRAMEWORKS if reader.get(NAME, framework) is not None]
        if self.neutral and given:
            words = f"'of' and '{given[0]}' exclude each other: one spelling for both, or one each"
            reader.complain((NAME, given[0]), words, key=True)
            return False
        if not self.neutral and len(given) < 2:
            missing = [framework for framework in FRAMEWORKS if framework not in given]
            alone = f"missing '{missing[0]}' beside '{given[0]}'" if given else ""
            reader.complain((NAME,), alone or "missing 'of' (or 'torch' and 'tensorflow')", key=True)
        let = reader.get(NAME, "let", default={})
        by_framework = bool(let) and all(isinstance(value, dict) for value in let.values())
        if let and self.fields and by_framework == self.neutral:
            words = (
                "its lines go under 'torch' and 'tensorflow'" if by_framework is False else "its lines are neutral too"
            )
            reader.complain((NAME, "let"), f"'let' does not fit beside '{self.fields[0]}': {words}", key=True)
            return False
        return bool(self.fields)

    def _read_lines(self, field_: str) -> dict[str, _Line]:
        """The named lines of one spelling, in order; each may use those before it."""
        place: Path = (NAME, "let") if self.neutral else (NAME, "let", field_)
        lines: dict[str, _Line] = {}
        for name in self.reader.get(*place, default={}):
            why = "it is an input" if name in self.inputs else bad_name(name)
            if why:
                self.reader.complain((*place, name), f"'{name}' cannot name a line: {why}", key=True)
            line = _Line()
            self._read(line, field_, (*place, name), lines)
            lines[name] = line
            self.kinds.setdefault(name, "any")
        return lines

    def _read(self, line: _Line, field_: str, path: Path, before: dict[str, _Line]) -> None:
        """Reads one expression into a line, or complains about everything in it."""
        reader = self.reader
        names = {**self.shapes, **{name: known.shape for name, known in before.items()}}
        if field_ == "of":
            tree = reader.tree(path)
            if tree is None:
                return
            mark_inputs(tree, set(names))
            tree = with_logical_calls(tree, {name for name, kind in self.kinds.items() if kind == "integers"})
            line.shape, complaints = shape_of(tree, names, self.kinds, hints=reader.hints)
            complaints = complaints or too_long(tree)
            reader.complain_all(path, complaints)
            if not complaints:
                line.trees[field_] = tree
            return
        native = reader.native(path, field_, set(names), layers=_layers(before, field_))
        if native is not None:
            line.trees[field_] = native
            # Arithmetic means the same natively; behind a native call the shape is not known.
            shape, complaints = shape_of(with_logical_calls(native), names, self.kinds)
            line.shape = None if complaints else shape

    def _names(self) -> list[str]:
        """The names of the outputs; one empty name where the expression stands alone."""
        reader = self.reader
        values = {field_: reader.get(NAME, field_) for field_ in self.fields}
        by_field = {f: list(v) if isinstance(v, dict) and set(v) != {"python"} else [""] for f, v in values.items()}
        first = self.fields[0]
        names = by_field[first]
        for field_, others in by_field.items():
            if set(others) != set(names):
                ours, theirs = (", ".join(filter(None, n)) or "one expression" for n in (others, names))
                words = f"'{field_}' has {ours}, '{first}' has {theirs}; name the same outputs"
                reader.complain((NAME, field_), words, key=True)
        lines = {name for known in self.lines.values() for name in known}
        for name in filter(None, names):
            why = (
                "it is an input"
                if name in self.inputs
                else "it is a line of 'let'"
                if name in lines
                else bad_name(name)
            )
            if why:
                reader.complain((NAME, first, name), f"'{name}' cannot name an output: {why}", key=True)
        return names

    def _output(self, name: str) -> Output | None:
        lines = {field_: self._output_line(name, field_) for field_ in self.fields}
        code = {field_: line.code[field_] for field_, line in lines.items() if field_ in line.code}
        if not all(field_ in line.trees or field_ in line.code for field_, line in lines.items()):
            return None
        shapes = {line.shape for line in lines.values()}
        shape = shapes.pop() if len(shapes) == 1 else None
        if self.neutral:
            line = lines["of"]
            needed = [self.lines["of"][n] for n in self._needed(line, "of")]
            if any("of" not in used.trees for used in needed):
                return None  # complained about where that line stands
            if not any(used.uses("of") & set(self.inputs) for used in (line, *needed)):
                words = f"the expression depends on no input (given under 'at': {', '.join(self.inputs)})"
                self.reader.complain_all((NAME, "of", name) if name else (NAME, "of"), [Complaint(0, words)])
                return None
            # Written out when a listing asks for it: `tfpt validate` needs none.
            bodies = OnDemand(dict.fromkeys(FRAMEWORKS, "of"), lambda f, field_: self._body(line, field_, f))
            return Output(name=name, body=bodies, shape=shape, reference=Meanings(lambda: self._reference(line)))
        native = {f: line for f, line in lines.items() if f in line.trees}
        body = OnDemand(native, lambda f, line: self._body(line, f, f))
        reference = Meanings(
            lambda: self._lifted({field_: self._straight(line) for field_, line in lines.items()}, name)
        )
        return Output(name=name, body=body, shape=shape, reference=reference, code=code)

    def _output_line(self, name: str, field_: str) -> _Line:
        path: Path = (NAME, field_, name) if name else (NAME, field_)
        value, line = self.reader.get(*path), _Line()
        if isinstance(value, dict) and set(value) == {"python"}:
            found = self._code((*path, "python"), str(value["python"]))
            if found is not None:
                line.code[field_] = found
        elif value is not None:
            self._read(line, field_, path, self.lines[field_])
            if field_ in line.trees and (instead := self._uncalled(line.trees[field_], field_)):
                words = "this is not called, and gives no tensor; write " + instead
                self.reader.complain_all(path, [Complaint(0, words)])
                del line.trees[field_]
        return line

    def _uncalled(self, tree: ast.expr, field_: str) -> str:
        """The call that was meant where an output is a function, a class or a layer alone; empty for everything else."""
        table = native(field_) if field_ in FRAMEWORKS else None
        name = dotted(tree) or called_name(tree)
        canonical = table.canonical(name) if table is not None else ""
        if table is None or canonical not in table.calls or name.split(".")[0] in (*self.inputs, *self.lines[field_]):
            return ""
        module, _, last = canonical.rpartition(".")
        makes = last[:1].isupper() and (
            module in ("nn", "keras.layers", "keras.losses") or canonical == "keras.Sequential"
        )
        if isinstance(tree, ast.Call) and not makes:
            return ""
        called = ast.Call(tree, [], []) if makes and not isinstance(tree, ast.Call) else tree
        return ast.unparse(ast.Call(called, [ast.Name(name, ast.Load()) for name in self.inputs], []))

    def _code(self, path: Path, text: str) -> Code | None:
        """A person's own function, after complaining if it may not be run or cannot be found."""
        file, _, function = text.rpartition(":")
        if not file.endswith(".py") or not function.isidentifier() or function.startswith("__"):
            self.reader.complain(path, f"'{text}' must be a Python file and the name of a function in it: port.py:loss")
            return None
        full = own_file(self.reader, path, file, function)
        return None if full is None else Code(full, function)

    def _needed(self, line: _Line, field_: str) -> list[str]:
        """The named lines that an expression uses, directly or through others, in their order."""
        known, wanted = self.lines[field_], line.uses(field_)
        for name in reversed(known):
            if name in wanted and field_ in known[name].trees:
                wanted |= known[name].uses(field_)
        return [name for name in known if name in wanted]

    def _body(self, line: _Line, field_: str, framework: str) -> Body:
        def text(tree: ast.expr) -> str:
            return written(tree, framework, self.dtype) if field_ == "of" else ast.unparse(tree)

        known = self.lines[field_]
        lines = [(n, text(known[n].trees[field_])) for n in self._needed(line, field_) if field_ in known[n].trees]
        return Body(text(line.trees[field_]), tuple(lines))

    def _reference(self, line: _Line) -> tuple[dict[str, Meaning], tuple[str, ...]]:
        known, needed = self.lines["of"], self._needed(line, "of")
        meaning = Meaning(line.trees["of"], {name: known[name].trees["of"] for name in needed}, self.dtype)
        if any(parts_written(tree, "numpy") > MAX_PARTS for tree in (meaning.result, *meaning.lines.values())):
            words = "its calls are nested so that it has no end in NumPy; give some of them a name under 'let'"
            return {}, (f"no reference for {ast.unparse(line.trees['of'])[:60]}: {words}",)
        return {"": meaning}, ()

    def _straight(self, line: _Line) -> _Line:
        """A line with the expression that a person's own function means, where it is straight and a scenario may say as much."""
        for framework, code in line.code.items():
            tree = straight(code.file, code.function, list(self.inputs))
            if tree is None or not may_be_doubled(ast.unparse(tree)):
                continue
            mark_inputs(tree, set(self.inputs))
            if not check_native(tree, framework, set(self.inputs)) and not any(bad_constants(tree)):
                return replace(line, trees={framework: with_full_names(tree, framework, set(self.inputs))})
        return line

    def _lifted(self, lines: dict[str, _Line], name: str) -> tuple[dict[str, Meaning], tuple[str, ...]]:
        """Native expressions read back through the rows; one for both sides where they come out the same; and the remarks."""
        found: dict[str, Meaning] = {}
        remarks: list[str] = []
        for framework, line in lines.items():
            known = self.lines[framework]
            if line.code and not line.trees:
                remarks.append(f"no reference for {name or 'the value'}: it is a function of your own")
                continue
            if kept := self._keeping(line, framework):
                words = f"{kept} is called more than once, and keeps something of each call"
                remarks.append(f"no reference for {FRAMEWORKS[framework].label}'s side: {words}")
                continue
            try:
                layers = _layers(known, framework)  # they are put in where they are called
                needed = [n for n in self._needed(line, framework) if n not in layers]
                named = {n: self._lift(known[n], framework) for n in needed}
                found[framework] = Meaning(self._lift(line, framework), named, self.dtype)
            except NoRow as error:
                remarks.append(without_reference(framework, str(error)))
        if len(found) == len(FRAMEWORKS) and len({meaning.numpy for meaning in found.values()}) == 1:
            return {"": found[next(iter(FRAMEWORKS))]}, tuple(dict.fromkeys(remarks))
        return found, tuple(dict.fromkeys(remarks))

    def _keeping(self, line: _Line, framework: str) -> str:
        """The name of a line that is a layer with statistics of its own and is called in several places; empty where none is."""
        known = self.lines[framework]
        layers = _layers(known, framework)
        trees = [line, *(known[name] for name in self._needed(line, framework))] if framework in line.trees else []
        used = Counter(
            node.id
            for each in trees
            if framework in each.trees
            for node in ast.walk(each.trees[framework])
            if isinstance(node, ast.Name)
        )
        whole = {name: ast.unparse(fill(tree, layers)) for name, tree in layers.items()}
        return next((name for name, text in whole.items() if used[name] > 1 and KEEPING.search(text)), "")

    def _lift(self, line: _Line, framework: str) -> ast.expr:
        if framework not in line.trees:
            raise NoRow("")
        names = {*self.inputs, *self.lines[framework]}
        whole = {name for name, kind in self.kinds.items() if kind == "integers"}
        for name, named in self.lines[framework].items():
            if framework in named.trees and holds_whole(named.trees[framework], names, whole):
                whole.add(name)
        shapes: dict[str, Any] = {**self.shapes, **{n: known.shape for n, known in self.lines[framework].items()}}
        native = fill(line.trees[framework], _layers(self.lines[framework], framework))
        mark_inputs(native, names)
        tree = lifted(native, framework, names, whole, shapes)
        mark_inputs(tree, names)
        shape, complaints = shape_of(tree, shapes, self.kinds)
        # What the rows do not allow, such as a broadcast that one framework alone has, or what has no end in NumPy.
        if complaints or parts_written(tree, "numpy") > MAX_PARTS:
            raise NoRow(ast.unparse(line.trees[framework])[:60])
        line.shape = line.shape or shape  # which the lines after it are read with
        return tree


def _layers(lines: Mapping[str, _Line], framework: str) -> dict[str, ast.expr]:
    """The lines that are layers of a framework, by name, each as the call that makes it."""
    trees = {name: line.trees[framework] for name, line in lines.items() if framework in line.trees}
    return {name: tree for name, tree in trees.items() if is_layer(tree)}
