"""Results of scenarios as bytes, for the next run or for the rest of this one, and a sequence of them that lies in a file."""

from __future__ import annotations

import io
import pickle
import sys
import tempfile
import weakref
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, overload

from tfpt_cli import results
from tfpt_cli.documents.document import Mapping
from tfpt_cli.frameworks import FRAMEWORKS, OURSELVES, REFERENCE, WRITTEN, Framework, Side
from tfpt_cli.results import Explanation, Outlined, ScenarioResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.frameworks import Sides

# So many results stay in memory; those of a person's own scenarios are seldom more.
IN_MEMORY = 500


def dumped(result: ScenarioResult) -> bytes:
    """A result as bytes, which `loaded` reads; of known differences what a result says of them."""
    told = tuple(Explanation(**{f.name: getattr(e, f.name) for f in fields(Explanation)}) for e in result.explanations)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=5)
    pickler.dispatch_table = {
        Side: lambda side: (_named, (f"side {side.key}",)),
        Framework: lambda framework: (_named, (f"framework {framework.key}",)),
    }
    pickler.dump(replace(result, explanations=told))
    return buffer.getvalue()


def loaded(content: bytes, sides: Sides) -> ScenarioResult | None:
    """The result that bytes are; None where they are none. Nothing but tfpt's own records is made of them."""
    try:
        found = _Unpickler(io.BytesIO(content), sides).load()
    except Exception:  # what is damaged can raise anything
        return None
    return found if isinstance(found, ScenarioResult) else None


def _named(name: str) -> Side | Framework:
    """What a result speaks of and is not part of it: which one that is, is known where the result is read."""
    raise KeyError(name)


class _Unpickler(pickle.Unpickler):
    """Makes the records of `results` and nothing else: it looks up no other name, so it can call nothing else."""

    def __init__(self, file: io.BytesIO, sides: Sides) -> None:
        super().__init__(file)
        known: dict[str, Side | Framework] = {f"side {s.key}": s for s in (REFERENCE, OURSELVES, WRITTEN, *sides)}
        self._known = known | {f"framework {key}": framework for key, framework in FRAMEWORKS.items()}

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) == (__name__, "_named"):
            return self._known.__getitem__
        found = _RECORDS.get(global_name)
        if found is None or found.__module__ != module_name:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no record of a result")
        return found


# `expect` and the values of a matrix are as the document has them.
_RECORDS: dict[str, type] = {"Mapping": Mapping, "complex": complex}
_RECORDS |= {name: each for name, each in vars(results).items() if isinstance(each, type)}


# ---- results in a file


class Spool(Outlined):
    """The results of a run in their order: the first of them in memory, those behind them in a file without a name.

    Where there is no place for such a file all stay in memory. One that lies in the file is read each time it is asked for.
    """

    def __init__(self, sides: Sides, in_memory: int = IN_MEMORY) -> None:
        super().__init__()
        self._sides, self._most = sides, in_memory
        self._held: list[ScenarioResult | tuple[int, int]] = []
        self._file: io.BufferedRandom | None = None
        self._end = 0

    def append(self, result: ScenarioResult) -> None:
        """Adds a result behind the others."""
        self.outlines.append(result.outline)
        self._held.append(result if len(self._held) < self._most else self._put(result))

    def __len__(self) -> int:
        return len(self._held)

    @overload
    def __getitem__(self, index: int) -> ScenarioResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[ScenarioResult]: ...

    def __getitem__(self, index: int | slice) -> ScenarioResult | list[ScenarioResult]:
        if isinstance(index, slice):
            return [self._got(held) for held in self._held[index]]
        return self._got(self._held[index])

    def __iter__(self) -> Iterator[ScenarioResult]:
        return map(self._got, self._held)

    def _put(self, result: ScenarioResult) -> ScenarioResult | tuple[int, int]:
        """The place of a result in the file; the result itself where it cannot be put there."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="tfpt-")  # noqa: SIM115 - as long as the results
                weakref.finalize(self, self._file.close)
            content = dumped(result)
            self._file.seek(self._end)
            self._file.write(content)
            self._file.flush()
        except OSError:
            self._most = sys.maxsize  # a full disk: not tried again
            return result
        place = self._end, len(content)
        self._end += len(content)
        return place

    def _got(self, held: ScenarioResult | tuple[int, int]) -> ScenarioResult:
        if isinstance(held, ScenarioResult):
            return held
        assert self._file is not None
        self._file.seek(held[0])
        found = loaded(self._file.read(held[1]), self._sides)
        assert found is not None  # it was written here
        return found
