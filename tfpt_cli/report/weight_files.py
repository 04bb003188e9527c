"""Files of weights as a table and as JSON: one of them, or two side by side."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from tfpt_cli.checkpoints.comparing import Sameness
from tfpt_cli.checkpoints.names import common_prefix, shown
from tfpt_cli.language.shapes import show
from tfpt_cli.results import as_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from tfpt_cli.checkpoints.comparing import Compared, ComparedPair, Inspected
    from tfpt_cli.checkpoints.contents import Contents, Entry

FORMAT = "tfpt.inspect/1"
_GAP = 2
# A name that is cut keeps at least so many characters, whatever the width.
_LEAST = 12
# Where two long names have less room than this beside the rest, the rest stands below them.
_ROOM, _LONG = 20, 26
# Of what only one file has, so many are named, each within so many characters.
_MOST, _LONGEST = 8, 70
_STYLES = {Sameness.DIFFERS: "bold red", Sameness.SHAPES: "bold red", Sameness.ROUNDED: "yellow"}


def file_pages(file: Inspected, width: int) -> Iterator[RenderableType]:
    """A file as lines of at most this width: its format, a row for each entry, what is no weight, and the sums."""
    contents = file.contents
    yield Text(_head(contents), "bold")
    rows = []
    for entry in contents.entries:
        numbers = file.statistics[entry.name]
        odd = f"{numbers.not_finite:,} not finite" if numbers.not_finite else ""
        words = [show(entry.shape), entry.dtype, _short(numbers.mean), _short(numbers.std), odd]
        rows.append([shown(entry.name), entry.called, *words])
    yield from _table(["name", "called", "shape", "dtype", "mean", "std", ""], rows, width, names=2)
    kinds: dict[str, list[str]] = {}
    for each in contents.left_out:
        kinds.setdefault(each.what, []).append(shown(each.name))
    for what, names in kinds.items():
        yield Text(f"not a weight: {printable(cut(what, _LONGEST))}: {_list(names, most=3)}", "dim")
    yield Text(_sums(contents), "bold")


def pair_pages(compared: Compared, width: int) -> Iterator[RenderableType]:
    """Two files as lines of at most this width: their formats, a row for each pair, what only one has, and the verdict."""
    for mark, file in zip("AB", compared.files, strict=True):
        yield Text(f"{mark}  {_head(file.contents)}", "bold")
        yield Text(f"   {_sums(file.contents)}")
    prefixes = [len(common_prefix(file.contents.names)) for file in compared.files]
    rows = [_pair_row(each, prefixes, wide=width >= 120) for each in compared.pairs]
    heads = ["A", "B", "shape", "axes", "paired by", "difference"]
    styles = [_STYLES.get(each.sameness, "") for each in compared.pairs]
    rest = max((sum(len(cell) + _GAP for cell in row[2:]) for row in rows), default=0)
    if (width - rest) // 2 < _ROOM and any(len(name) > _LONG for row in rows for name in row[:2]):
        yield from _stacked(rows, width, styles)
    else:
        yield from _table(heads, rows, width, names=2, styles=styles)
    for mark, entries in zip("AB", compared.only, strict=True):
        if entries:
            some = [f"{shown(entry.name)} {show(entry.shape)}" for entry in entries]
            yield Text(f"only in {mark}: {_list(some)}", "bold red")
    if compared.counters:
        yield Text(f"counters of batches that only one has: {_list(compared.counters)}", "dim")
    yield Text(verdict(compared), "bold green" if compared.same else "bold red")


def verdict(compared: Compared) -> str:
    """What came of two files in one line, with what was compared."""
    count = Counter(each.sameness for each in compared.pairs)
    words = {
        Sameness.IDENTICAL: "identical",
        Sameness.ROUNDED: "the same but for the rounding of their dtypes",
        Sameness.DIFFERS: "with other numbers",
        Sameness.SHAPES: "whose shapes do not fit",
    }
    pairs = ", ".join(f"{count[each]} {text}" for each, text in words.items() if count[each])
    only = [f"{len(entries)} only in {mark}" for mark, entries in zip("AB", compared.only, strict=True) if entries]
    beginning = "the same weights" if compared.same else "different weights"
    total = len(compared.pairs)
    return "; ".join([f"{beginning}: {total} {'pair' if total == 1 else 'pairs'}" + f" ({pairs})" * bool(pairs), *only])


def file_object(file: Inspected) -> dict[str, Any]:
    """A file as plain dicts and lists; `nan`, `inf` and `-inf` are texts."""
    contents = file.contents
    return {
        "file": contents.file,
        "format": contents.format,
        "inside": contents.inside,
        "prefix": common_prefix(contents.names),
        "entries": [_entry_object(entry, file) for entry in contents.entries],
        "not_weights": [{"name": each.name, "what": each.what} for each in contents.left_out],
        "parameters": sum(entry.size for entry in contents.entries),
        "bytes": sum(entry.bytes for entry in contents.entries),
    }


def json_text(files: Sequence[Inspected], compared: Compared | None = None) -> str:
    """The files, and their pairs where they were compared, as JSON text with a line end."""
    found: dict[str, Any] = {"schema": FORMAT, "files": [file_object(file) for file in files]}
    if compared is not None:
        found["pairs"] = [
            {
                "names": [each.pair.first.name, each.pair.second.name],
                "by": each.pair.by,
                "layout": each.layout,
                "difference": _plain(each.largest),
                "verdict": str(each.sameness),
            }
            for each in compared.pairs
        ]
        found["only"] = [[entry.name for entry in entries] for entries in compared.only]
        found["counters"] = list(compared.counters)
        found["same"] = compared.same
    return as_json(found)


def shortened(name: str, width: int) -> str:
    """A name of at most this width: its longest parts lose letters, but not the numbers and the last part, which tell it apart.

    Where that is not enough only those are left.

    >>> shortened("encoder.layers.11.attention.output.weight", 24)
    'en.lay.11.att.out.weight'
    >>> shortened("encoder.layers.11.attention.output.weight", 12)
    '…11…weight'
    """
    parts = [
        part.groups() for part in re.finditer(r"([^./]*?)(\d*)([./]|$)", name) if part[0]
    ]  # letters, number, separator
    letters = [part[0] for part in parts]
    for _ in range(len(name) - width):
        longest = max(range(len(parts) - 1), key=lambda place: len(letters[place]), default=-1)
        if longest < 0 or len(letters[longest]) < 2:
            numbers = [number for _, number, _ in parts[:-1] if number]
            return cut("…".join(["", *numbers, "".join(parts[-1])]), width)
        letters[longest] = letters[longest][:-1]
    return "".join(f"{own}{number}{between}" for own, (_, number, between) in zip(letters, parts, strict=True))


def cut(text: str, width: int) -> str:
    """A text of at most this width, cut in the middle.

    >>> cut("a text that is too long", 11)
    'a tex… long'
    """
    if len(text) <= width:
        return text
    end = width // 2
    return f"{text[: width - end - 1]}…{text[len(text) - end :]}"


def _table(
    heads: list[str], rows: list[list[str]], width: int, *, names: int, styles: Sequence[str] = ()
) -> Iterator[RenderableType]:
    """A table, and a line where names do not fit it.

    The first `names` columns share the width that the others leave; empty columns are left out.
    """
    columns = [place for place, head in enumerate(heads) if place == 0 or any(row[place] for row in rows)]
    widths = {place: max(len(heads[place]), *(len(row[place]) for row in rows), 1) for place in columns}
    named = [place for place in columns if place < names]
    left = width - sum(widths[place] + _GAP for place in columns if place not in named)
    for count, place in zip(range(len(named), 0, -1), sorted(named, key=lambda place: widths[place]), strict=True):
        widths[place] = max(
            min(widths[place], left // count - _GAP), _LEAST
        )  # what a short one leaves, a long one takes
        left -= widths[place] + _GAP
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for place in columns:
        right = heads[place] in ("mean", "std", "difference")
        table.add_column(heads[place], justify="right" if right else "left", no_wrap=True, width=widths[place])
    short = False
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        cells = [printable(row[place]) for place in columns]
        fitted = [
            (shortened if place < names else cut)(cell, widths[place])
            for place, cell in zip(columns, cells, strict=True)
        ]
        table.add_row(*fitted, style=style)
        short = short or fitted != cells
    yield table
    if short:
        yield Text("names are shortened here; whole in a pipe and with --format json", "dim")


def _stacked(rows: list[list[str]], width: int, styles: Sequence[str]) -> Iterator[RenderableType]:
    """Each row as two lines: both names, and below them the rest."""
    room = max((width - _GAP) // 2, _LEAST)
    for (first, second, shape, axes, by, difference), style in zip(rows, styles, strict=True):
        names = [shortened(printable(name), room) for name in (first, second)]
        yield Text(f"{names[0]:<{room}}{' ' * _GAP}{names[1]}", style)
        facts = [shape, f"as {axes}" * bool(axes), f"paired by {by}" * bool(by), difference]
        yield Text(f"    {', '.join(filter(None, facts))}", style)


def _pair_row(each: ComparedPair, prefixes: list[int], *, wide: bool) -> list[str]:
    pair = each.pair
    fits = each.sameness is not Sameness.SHAPES
    shape = show(pair.first.shape) if fits else f"{show(pair.first.shape)} and {show(pair.second.shape)}"
    axes = each.layout if wide else each.layout.rpartition("->")[2].strip()
    apart = _short(each.largest or 0.0)
    difference = {
        Sameness.IDENTICAL: "identical",
        Sameness.ROUNDED: f"rounded {apart}",
        Sameness.SHAPES: "shapes",
    }.get(each.sameness, apart)
    entries = zip((pair.first, pair.second), prefixes, strict=True)
    names = [shown(entry.called or entry.name[prefix:]) for entry, prefix in entries]
    by = "" if pair.by == "name" else pair.by
    return [*names, shape, axes, by, difference]


def _head(contents: Contents) -> str:
    prefix = common_prefix(contents.names)
    parts = [contents.format, f"in {contents.inside}" if contents.inside else ""]
    parts.append(f"every name begins with {prefix}" if prefix else "")
    return printable(f"{contents.file}: {', '.join(filter(None, parts))}")


def _sums(contents: Contents) -> str:
    """The numbers of entries, of parameters and of bytes.

    >>> from tfpt_cli.checkpoints.contents import Contents, Entry
    >>> _sums(Contents("net.pt", "PyTorch", "", (Entry("w", (1000, 3), "float32"),)))
    '1 entry, 3,000 parameters, 12.0 kB'
    """
    count, size = len(contents.entries), sum(entry.size for entry in contents.entries)
    amount = float(sum(entry.bytes for entry in contents.entries))
    units = iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while amount >= 1000 and unit != "TB":
        amount, unit = amount / 1000, next(units)
    digits = f"{amount:.0f}" if unit == "B" else f"{amount:.1f}"
    return f"{count:,} {'entry' if count == 1 else 'entries'}, {size:,} parameters, {digits} {unit}"


def _list(texts: Sequence[str], most: int = _MOST) -> str:
    more = f", and {len(texts) - most:,} more" if len(texts) > most else ""
    return printable(", ".join(cut(text, _LONGEST) for text in texts[:most]) + more)


def _short(number: float) -> str:
    """A number of a column of numbers: three digits, or four where they stand behind the point."""
    if number == 0 or not math.isfinite(number):
        return f"{number:.0f}" if number == 0 else str(number)
    return f"{number:.2e}" if not 1e-3 <= abs(number) < 1e5 else f"{number:.4g}"


def _entry_object(entry: Entry, file: Inspected) -> dict[str, Any]:
    numbers = file.statistics[entry.name]
    called = {"called": entry.called} if entry.called else {}
    return {
        "name": entry.name,
        **called,
        "shape": list(entry.shape),
        "dtype": entry.dtype,
        "mean": _plain(numbers.mean),
        "std": _plain(numbers.std),
        "min": _plain(numbers.least),
        "max": _plain(numbers.greatest),
        "not_finite": numbers.not_finite,
    }


def _plain(number: float | None) -> float | str | None:
    return number if number is None or math.isfinite(number) else str(number)
