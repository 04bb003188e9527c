"""The target that draws reports: hostile texts and numbers in every place of a result, through every format."""

from __future__ import annotations

import json
import math
import zlib
from importlib import import_module
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

from tests.fuzz.mutation import of_bytes, of_text, text_of
from tests.fuzz.watching import Target
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, TORCH, two_versions
from tfpt_cli.report import FORMATS
from tfpt_cli.results import (
    Against,
    Comparison,
    Curve,
    Diagnosis,
    Distribution,
    Explanation,
    Failure,
    Finding,
    Kind,
    Kink,
    LayerLine,
    Measure,
    PairLine,
    Problem,
    Quantity,
    Reference,
    Report,
    ScenarioResult,
    SideValue,
    Standing,
    State,
    Status,
    Summary,
    Symptom,
    Test,
    Verdict,
    Way,
)

# What stands between the texts of an input.
BETWEEN = "\x1e"
MARKS = (
    *(
        '"',
        "'",
        "<",
        ">",
        "&",
        "|",
        "`",
        "```",
        "\\",
        "*",
        "_",
        "~~",
        "#",
        "@octocat",
        "#1",
        "$x$",
        "%",
        "%0A",
        ",",
        ":",
        "::",
    ),
    *(
        "\n",
        "\r",
        "\t",
        "\x1b[31m",
        "\x1b]0;x\x07",
        "\x00",
        "\x85",
        "\u2028",
        "\ud800",
        "\u202e",
        "\ufffe",
        "\U0001f600",
        "]]>",
    ),
    *(
        "<!--",
        "-->",
        "</pre>",
        "</table>",
        "<script>alert(1)</script>",
        "&lt;",
        "| a | b |",
        "[a](http://b)",
        "::error::",
        " ",
    ),
    *(
        "[bold]",
        "[/]",
        "[link=x]y[/link]",
        ":tada:",
        "{{ x }}",
        "{% raw %}",
        "x" * 2000,
        "\u0301" * 50,
        "漢字" * 40,
        BETWEEN,
        "a.b/c",
    ),
)
NUMBERS = (0.0, -0.0, 1.0, -1.5, 1e-45, 5e-324, 1e308, -1e308, math.nan, math.inf, -math.inf, 0.1, 123456789.0, 1e-7)
FINITE = tuple(number for number in NUMBERS if math.isfinite(number))  # what a curve has; for others it has None


class _Made:
    """Results made of an input: its texts one after another, and what they have besides by the input's own random numbers."""

    def __init__(self, data: bytes) -> None:
        self.texts = text_of(data).split(BETWEEN)
        self.random = Random(zlib.crc32(data))
        self.taken = 0

    def text(self) -> str:
        self.taken += 1
        return self.texts[self.taken % len(self.texts)]

    def texts_of(self, most: int) -> tuple[str, ...]:
        return tuple(self.text() for _ in range(self.random.randint(0, most)))

    def perhaps(self, value: Any, other: Any = None) -> Any:
        return value if self.random.random() < 0.5 else other

    def number(self) -> float:
        return self.random.choice(NUMBERS)

    def positive(self) -> float:
        return self.random.choice((0.0, 1e-45, 1e-7, 0.5, 3.0, 1e30, 1e308))

    def array(self, shape: tuple[int, ...], kind: str) -> Any:
        if not shape:
            number = self.number()
            other = {
                "complex": complex(number, self.number()),
                "int": self.random.choice((0, -1, 2**63 - 1, 7)),
                "bool": number > 0,
            }
            return other.get(kind, number)
        return [self.array(shape[1:], kind) for _ in range(shape[0])]

    def summary(self) -> Summary:
        low = self.random.choice((-1e308, -1.0, 0.0, 1e-45))
        high = self.random.choice((low, low + 1.0, 1e308))
        counts = tuple(self.random.choice((0, 1, 5, 10**9)) for _ in range(self.random.choice((1, 2, 10, 40))))
        return Summary(self.number(), self.positive(), low, high, counts, (low, high), self.random.choice((0, 3)))

    def side(self, shape: tuple[int, ...], kind: str) -> SideValue:
        state = self.random.choice((*[State.PRESENT] * 5, *State))
        way = Way(self.text(), self.perhaps(self.text(), ""))
        if state is not State.PRESENT:
            return SideValue(state, way, note=self.text())
        return SideValue(
            state,
            way,
            shape,
            self.random.choice(("float32", "int64", "bool", "complex64", "bfloat16", self.text())),
            self.array(shape, kind),
            left_out=self.random.choice((0, 0, 5, 10**9)),
            summary=self.perhaps(self.summary()),
            samples=self.perhaps(self.summary()),
            note=self.perhaps(self.text(), ""),
            fans=self.perhaps((3, 4)),
            law=self.perhaps(self.text(), ""),
            kinds=self.perhaps({"zero": 3, "nan": 1}, {}),
            declared=self.perhaps((0.1,) * 40, ()),
        )

    def quantity(self) -> Quantity:
        kind = self.random.choice(
            ("value", "parameter", "gradient", "jacobian", "jvp", "hessian", "derivative", "state", "layer")
        )
        return Quantity(
            kind=kind,
            output=self.text(),
            by=(self.text(), self.text()),
            order=3 if kind == "derivative" else 0,
            step=self.random.choice((0, 2)),
            layer=self.perhaps(self.text(), ""),
        )

    def comparison(self, sides: Any) -> Comparison:
        shape = self.random.choice(((), (1,), (3,), (0,), (2, 2), (2, 3, 1), (30,), (6, 7)))
        kind = self.random.choice(("float", "float", "int", "bool", "complex"))
        size = math.prod(shape)
        index = self.perhaps(tuple(0 for _ in shape))
        measure = Measure(
            size,
            self.random.randint(0, size),
            self.perhaps(self.number()),
            self.perhaps(self.positive()),
            self.perhaps(self.random.choice((0, 1, 2**70))),
            index,
            self.perhaps({"rtol": self.positive(), "atol": self.positive()}),
        )
        reference = Reference(
            self.text(),
            self.random.choice(({"": self.array(shape, kind)}, {side: self.array(shape, kind) for side in sides})),
            self.random.choice((0, 5)),
            self.perhaps({"": self.positive()}, {side: self.positive() for side in sides}) or {},
            {
                side: Against(
                    self.random.choice(list(Standing)),
                    self.random.randint(0, 3),
                    self.perhaps(self.positive()),
                    self.perhaps(self.positive()),
                    index,
                    self.perhaps(True, False),
                    self.random.randint(0, 3),
                )
                for side in sides
            },
            self.perhaps((Kink(tuple(0 for _ in shape), self.number(), self.number()),), ()),
            self.perhaps((self.array(shape, "float"), self.array(shape, "float"))),
            self.perhaps(self.positive()),
            self.perhaps(True, False),
        )
        law = Distribution(
            dict.fromkeys(sides, self.text()),
            dict.fromkeys(sides, 1000),
            1e-6,
            tuple(Test(self.text(), self.text(), self.random.random()) for _ in range(2)),
            self.perhaps(self.positive()),
            self.perhaps(self.positive()),
        )
        return Comparison(
            self.quantity(),
            self.random.choice(list(Verdict)),
            {side: self.side(shape, kind) for side in sides},
            self.text(),
            layout=self.random.choice(("", "", "out in -> in out")),
            measure=self.perhaps(measure),
            tolerance=self.perhaps({"rtol": 1e-5, "atol": 1e-8}),
            distribution=self.perhaps(law),
            diagnosis=tuple(self.random.sample(tuple(Diagnosis), 2)),
            reference=self.perhaps(reference),
            findings=tuple(
                Finding(self.random.choice(list(Kind)), self.text(), self.perhaps(sides[0])) for _ in range(2)
            ),
            known_differences=self.perhaps((self.text(),), ()),
            errors=self.perhaps(((self.number(), self.number()),) * 2, ()),
            flushed=self.perhaps(frozenset(sides[:1]), frozenset()),
        )

    def layer(self, sides: Any) -> LayerLine:
        return LayerLine(
            {side: self.text() for side in sides},
            {side: self.text() for side in sides},
            dict.fromkeys(sides, (2, 3)),
            self.random.choice(list(Verdict)),
            *[self.perhaps(self.positive()) for _ in range(5)],  # type: ignore[misc] # mypy does not count them
            rounding=self.perhaps(dict.fromkeys(sides, self.positive()), {}),
            layout="",
            begins=self.perhaps(True, False),
            note=self.perhaps(self.text(), ""),
        )

    def scenario(self, sides: Any) -> ScenarioResult:
        compared = tuple(self.comparison(sides) for _ in range(self.random.randint(0, 3)))
        known = Explanation(
            self.text(),
            self.text(),
            self.text(),
            self.text(),
            {framework: self.text() for framework in FRAMEWORKS},
            self.text(),
            self.text(),
            lines=self.perhaps({TORCH_KEY: self.text()}, {}),
        )
        points = tuple(float(each) for each in range(self.random.choice((1, 2, 5))))
        curve = Curve(
            self.text(),
            self.text(),
            points,
            {side: tuple(self.perhaps(self.random.choice(FINITE)) for _ in points) for side in sides},
            tuple(self.perhaps(True, False) for _ in points),
        )
        return ScenarioResult(
            self.text(),
            self.random.choice((0, 1, 10**6)),
            self.text(),
            self.perhaps({self.text(): self.text()}, {}),
            self.random.choice(("gradient", "init", "model")),
            self.text(),
            self.random.choice(("agree", "differ", {"value": "error"})),
            self.text(),
            self.random.choice(list(Status)),
            compared,
            failures=tuple(
                Failure(
                    self.perhaps(sides[0], sides[1]),
                    self.random.choice(tuple(Symptom)),
                    self.text(),
                    self.perhaps(3),
                    self.perhaps(self.text(), ""),
                    self.perhaps(self.text()),
                )
                for _ in range(self.random.randint(0, 2))
            ),
            notes=self.texts_of(2),
            seconds=self.random.random(),
            tags=self.texts_of(2),
            id=self.text(),
            explanations=self.perhaps((known,), ()),
            listings=self.perhaps({side: self.text() for side in sides}, {}),
            curves=self.perhaps((curve,), ()),
            compared=self.perhaps(self.text(), ""),
            layers=tuple(self.layer(sides) for _ in range(self.random.choice((0, 0, 1, 4)))),
            pairs=self.perhaps((PairLine({side: self.text() for side in sides}, self.text()),), ()),
            cached=self.perhaps(True, False),
        )

    def report(self) -> Report:
        sides = two_versions(TORCH, "/old/python", "/new/python") if self.random.random() < 0.2 else SIDES
        environment = {"tfpt": "0.1.0", "python": "3.11", **{str(side.key): self.text() for side in sides}}
        problems = tuple(
            Problem(self.text(), self.random.choice((0, 3)), 1, self.text()) for _ in range(self.random.randint(0, 2))
        )
        scenarios = tuple(self.scenario(sides) for _ in range(self.random.choice((0, 1, 1, 2))))
        return Report(
            environment,
            scenarios,
            problems,
            interrupted=self.perhaps(True, False),
            stopped=self.perhaps(True, False),
            deselected=self.random.choice((0, 3)),
            sides=sides,
            began=self.perhaps("2025-01-02T03:04:05", ""),
        )


TORCH_KEY = TORCH.key


def draw(data: bytes) -> None:
    """Draws a report made of the texts of an input, in one of the formats; of those that programs read, what is drawn is read."""
    made = _Made(data)
    format_ = made.random.choice(list(FORMATS))
    report = made.report()
    text = import_module(FORMATS[format_]).report_text(
        report
    )  # not `drawn`, which shows a scenario that failed as such
    text.encode("utf-8", "replace")
    if format_ in ("json", "gitlab"):
        json.loads(text)
    elif format_ == "junit":
        ET.fromstring(text)  # made here


def another_report(data: bytes, random: Random) -> bytes:
    """Another report of one: other texts in it."""
    texts = text_of(data).split(BETWEEN)[:30]
    for _ in range(random.choice((1, 2, 5))):
        at = random.randrange(len(texts) + 1)
        new = "".join(random.choice(MARKS) for _ in range(random.randint(1, 3)))
        texts[at : at + 1] = [random.choice((new, of_text(texts[at] if at < len(texts) else "x", random, (), MARKS)))]
    found = BETWEEN.join(texts)[:20_000].encode("utf-8", "surrogatepass")
    return of_bytes(found, random) if random.random() < 0.1 else found


SEEDS = ("x", BETWEEN.join(("a.yaml", "a name", "tanh(x)", "torch.tanh(x)\n", "model.0", "d/dx")), BETWEEN.join(MARKS))
TARGETS = (Target("report", draw, another_report, lambda: [text.encode("utf-8", "surrogatepass") for text in SEEDS]),)
