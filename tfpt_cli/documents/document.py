"""YAML text to plain data in which every value knows its place.

The parser is libyaml's (PyYAML), the scalars follow the core schema of YAML 1.2 (yamlcore). The data is built here
from the parser's events, because positions, duplicate keys, aliases and depth are only visible there, and because a
hostile file must be refused before it has grown. A file is read as it is asked for its documents: it may be larger than memory
should hold.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import yaml
import yamlcore

from tfpt_cli.results import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of one document, in characters.
MAX_DOCUMENT = 1_000_000
MAX_DEPTH = 24
Path = tuple[Any, ...]

_Loader = yamlcore.CCoreLoader
_RESOLVER = _Loader("")


class Mapping(dict[str, Any]):
    """A YAML mapping whose keys are texts."""


@dataclass
class Document:
    """One YAML document of a file: plain `data`, and the place of every value and key in it, by path.

    `line` is the line of the file, from 1, at which the document begins; `text` is its own text, which stands behind so many
    characters of the file as `before` says.

    >>> found, problems = documents("a.yaml", "at: {x: [1, 2.5]}")
    >>> found[0].data, found[0].at(("at", "x", 1))
    ({'at': {'x': [1, 2.5]}}, 2.5)
    >>> str(found[0].problem(("at", "x", 1), "too large"))
    'a.yaml:1:13: too large'
    """

    file: str
    text: str
    line: int = 1
    data: Any = None
    before: int = 0
    _values: dict[Path, tuple[Any, Any]] = field(default_factory=dict)
    _keys: dict[Path, Any] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The number of characters of the file up to the end of the document."""
        return int(self._values[()][1].index) if () in self._values else self.before

    @property
    def alone(self) -> str:
        r"""A text in which the document stands alone, where it stands in its file: before it are empty lines.

        >>> documents("a.yaml", "a: 1\n---\n# one\n  b: 2\n")[0][1].alone
        '\n\n\n  b: 2\n'
        """
        start = self._values[()][0]
        own = self.text[start.index - self.before :]
        return f"{chr(10) * start.line}{' ' * start.column}{own}"

    @property
    def name(self) -> str:
        """The name of the scenario on one line; empty where it has none."""
        return " ".join(str(self.data.get("name", "")).split()) if isinstance(self.data, dict) else ""

    @property
    def meaning(self) -> str:
        r"""All that the document says, as a text that another one has only if it says the same; comments and layout say nothing.

        >>> found, _ = documents("a.yaml", "a: [1]  # one\n---\na:\n  - 1\n---\na: [1.0]")
        >>> [document.meaning for document in found]
        ["{'a': [1]}", "{'a': [1]}", "{'a': [1.0]}"]
        """
        return repr(self.data)

    def at(self, path: Path) -> Any:
        """The value at a path. Raises `KeyError` or `IndexError` where there is none."""
        value = self.data
        for step in path:
            value = value[step]
        return value

    def path_at(self, line: int, column: int) -> tuple[Path, int | None]:
        """The path of the innermost value, or of the key, at a place of the file; of a text on one line also the character.

        >>> documents("a.yaml", "at: {x: 'zeros(2)'}")[0][0].path_at(1, 11)
        (('at', 'x'), 1)
        """
        for path in sorted(self._keys, key=len, reverse=True):
            mark = self._keys[path]
            if (mark.line, mark.column) == (line - 1, column - 1):
                return path, None
        found: Path = ()
        for path, (start, end) in self._values.items():
            if (start.line, start.column) <= (line - 1, column - 1) < (end.line, max(end.column, 1)) and len(
                path
            ) >= len(found):
                found = path
        start, end = self._values[found]
        value = self.at(found)
        if not isinstance(value, str) or start.line != end.line:
            return found, None
        quoted = self.text[start.index - self.before] in "\"'"
        return found, max(column - 1 - start.column - quoted, 0)

    def problem(self, path: Path, message: str, *, offset: int | None = None, key: bool = False) -> Problem:
        """A problem with the value (or, with `key`, the key) at `path`, placed at its line and column in the file.

        `offset` counts characters into a string value.
        """
        if key and path in self._keys:
            mark = self._keys[path]
            return Problem(file=self.file, line=mark.line + 1, column=mark.column + 1, message=message)
        while path and path not in self._values:
            path = path[:-1]
        if path not in self._values:
            return Problem(file=self.file, line=self.line, column=1, message=message)
        start, end = self._values[path]
        line, column = start.line + 1, start.column + 1
        if offset is not None:
            line, column = self._inside(path, start, end, offset)
        return Problem(file=self.file, line=line, column=column, message=message)

    def _inside(self, path: Path, start: Any, end: Any, offset: int) -> tuple[int, int]:
        """Line and column of the character `offset` of a string, found by walking the string beside its source."""
        value = self.at(path)
        source = self.text[start.index - self.before : end.index - self.before]
        at = 0
        for position, character in enumerate(str(value)[: offset + 1]):
            if character.isspace() and position < offset:
                continue
            found = source.find(character, at)
            if found < 0:
                return start.line + 1, start.column + 1
            at = found + (position < offset)
        before = source[:at]
        if "\n" not in before:
            return start.line + 1, start.column + 1 + at
        return start.line + 1 + before.count("\n"), at - before.rfind("\n")


def documents(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    """The documents of a YAML text, and every problem found on the way, as `documents_in` gives them.

    >>> documents("a.yaml", "{a: 1, a: 2}")[1][0].message
    "the key 'a' stands here twice (first on line 1)"
    """
    read = list(documents_in(file, io.StringIO(text, newline="")))
    return [one for one in read if isinstance(one, Document)], [one for one in read if isinstance(one, Problem)]


def documents_in(file: str, stream: TextIO) -> Iterator[Document | Problem]:
    """The documents of YAML, one after another as they are read, and every problem found on the way.

    A document with a problem of its own (a duplicate key, an anchor) is left out and the next one is read; a syntax
    error ends the file, and what stands before it is kept.
    """
    window = _Window(file, stream)
    events = _events(file, window)
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                start: Any = event.start_mark
                window.forget(start.index)
                document = Document(file, "", before=window.before)
                builder = _Builder(document, events)
                builder.build(next(events), ())
                document.text = window.up_to(document.end)
                window.forget(document.end)
                if document.data is not None and not builder.problems:
                    yield document
                yield from builder.problems
    except _Stop as stop:
        yield stop.problem


class _Stop(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Window:
    """A stream from which the parser reads, and as much of what it has read as the document may need that is being read.

    `before` are the characters of the file that stand before that, `lines` the ends of lines among them.
    """

    def __init__(self, file: str, stream: TextIO) -> None:
        self.file, self.stream, self.text, self.before, self.lines = file, stream, "", 0, 0

    def read(self, size: int) -> str:
        """The next characters; `_Stop` where the document is too large."""
        if len(self.text) > MAX_DOCUMENT + size:  # the parser has read less than `size` beyond it
            words = f"the document that begins here has more than {MAX_DOCUMENT / 1e6:.0f} MB; split it, or draw large values"
            raise _Stop(Problem(file=self.file, line=self.lines + 1, column=1, message=words))
        piece = self.stream.read(size)
        self.text += piece
        return piece

    def forget(self, index: int) -> None:
        """Forgets what stands before a character of the file."""
        self.lines += self.text.count("\n", 0, index - self.before)
        self.text, self.before = self.text[index - self.before :], index

    def up_to(self, index: int) -> str:
        """What is not forgotten, up to a character of the file."""
        return self.text[: index - self.before]

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of a character of the file that is not forgotten."""
        before = self.text[: index - self.before]
        return self.lines + before.count("\n") + 1, len(before) - before.rfind("\n")


def _events(file: str, window: _Window) -> Iterator[Any]:
    try:
        yield from yaml.parse(window, Loader=_Loader)  # type: ignore[arg-type]
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"the character U+{code:04X} is not allowed in YAML"
        raise _Stop(Problem(file, *window.place(error.position), message)) from None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise _Stop(
            Problem(file=file, line=line, column=column, message=f"not valid YAML: {words}{_yaml_hint(words)}")
        ) from None


def _yaml_hint(words: str) -> str:
    hints = {
        "mapping values are not allowed": "; quote a value that holds ': ', indent the line below its key, "
        "or put a space behind the colon above",
        "cannot start any token": "; indent with spaces, and quote a value that starts with a special character",
        "did not find expected ',' or": "; close the bracket or quote the value",
        "did not find expected key": "; check the indentation",
        "could not find expected ':'": "; a key ends with ': '",
    }
    return next((hint for part, hint in hints.items() if part in words), "")


class _Builder:
    """Builds the data of one document from its events."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events
        self.problems: list[Problem] = []
        self.aliases: set[str] = set()

    def build(self, event: Any, path: Path) -> None:
        value = self._value(event, path)
        if not path:
            self.document.data = value

    def _complain(self, event: Any, message: str) -> None:
        mark: Any = event.start_mark
        self.problems.append(
            Problem(file=self.document.file, line=mark.line + 1, column=mark.column + 1, message=message)
        )

    def _value(self, event: Any, path: Path) -> Any:
        if len(path) > MAX_DEPTH:
            mark: Any = event.start_mark
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise _Stop(Problem(file=self.document.file, line=mark.line + 1, column=mark.column + 1, message=message))
        if not path:
            self.document.line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.aliases:  # a hostile file has thousands; each name is said once
                self.aliases.add(str(event.anchor))
                words = "are not part of the scenario format: write the value out"
                self._complain(event, f"aliases (*{event.anchor}) {words}")
            return None
        if event.anchor is not None:
            self._complain(event, f"anchors (&{event.anchor}) are not part of the scenario format: remove it")
        if event.tag is not None:
            self._complain(event, f"tags ({event.tag}) are not part of the scenario format: remove it")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
            end = event.end_mark
        elif isinstance(event, yaml.SequenceStartEvent):
            value, end = self._sequence(path)
        else:
            value, end = self._mapping(path)
        self.document._values[path] = (event.start_mark, end)
        return value

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None or not event.implicit[0]:
            return event.value
        tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, (True, False))
        if tag == "tag:yaml.org,2002:int" and len(event.value) > 400:
            self._complain(event, "a whole number may have 400 digits")
            return 0
        node = yaml.ScalarNode(tag, event.value)
        value = _RESOLVER.construct_object(node)
        _RESOLVER.constructed_objects.clear()  # it keeps every node, for aliases, of which there are none
        return value

    def _sequence(self, path: Path) -> tuple[list[Any], Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                return items, event.end_mark
            items.append(self._value(event, (*path, len(items))))
        raise AssertionError("libyaml closes every sequence")

    def _mapping(self, path: Path) -> tuple[Mapping, Any]:
        data = Mapping()
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                return data, event.end_mark
            key = self._key(event, path, data)
            self._insert(data, key, event, path)
        raise AssertionError("libyaml closes every mapping")

    def _key(self, event: Any, path: Path, data: Mapping) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, (*path, None))
            if not isinstance(event, yaml.AliasEvent):
                self._complain(event, "a key must be a word")
            return None
        if event.anchor is not None or event.tag is not None:
            self._value(event, (*path, None))
        if event.value == "<<":
            self._complain(event, "merge keys (<<) are not part of the scenario format: write the keys out")
            return None
        if event.value in data:
            first = self.document._keys[(*path, event.value)]
            self._complain(event, f"the key '{event.value}' stands here twice (first on line {first.line + 1})")
            return None
        if event.value.count("(") != event.value.count(")"):
            words = "inside { } a value with a comma needs quotes around it"
            self._complain(event, f"'{event.value}' is a piece of a call, not a key: {words}")
            return None
        return str(event.value)

    def _insert(self, data: Mapping, key: str | None, event: Any, path: Path) -> None:
        if key is not None:
            self.document._keys[(*path, key)] = event.start_mark
        value = self._value(next(self.events), (*path, key))
        if key is not None:
            data[key] = value
