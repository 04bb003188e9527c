"""The contract of the JSON report, `tfpt.report/1`: what a program that reads reports may rely on.

Its objects are the dataclasses below: `json_report` writes the keys that they name, in their order, and `contract` describes
them as JSON Schema. A field whose default is None can be left out; all others are always there. Of an annotation a text is the
description, and `Keywords` are further ones of JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from tfpt_cli.frameworks import FRAMEWORKS, LEFT, OURSELVES, RIGHT, WRITTEN, Side
from tfpt_cli.report.json_schema import JsonSchema, Keywords, Schemas, reference_to
from tfpt_cli.results import Diagnosis, Relation, Standing, State, Status, Symptom, Verdict
from tfpt_cli.subjects.registry import SUBJECTS

SCHEMA = "tfpt.report/1"
# Two versions of one framework are two places, not two frameworks.
PLACES = (LEFT, RIGHT)
Place = Literal["left", "right"]
SIDES = (*FRAMEWORKS, *PLACES)
# An object whose keys, the sides, stand among those of the one that has it.
SPREAD: Any = field(metadata={"spread": True})

Word = Annotated[str, Keywords(minLength=1)]
Count = Annotated[int, Keywords(minimum=0)]
Positive = Annotated[int, Keywords(minimum=1)]
Seconds = Annotated[float, Keywords(minimum=0)]
# Defined in `contract`, since JSON has no number for what is not finite, and Python no alias that names itself.
Number = Annotated[float, Keywords({"$ref": reference_to("number")})]
Values = Annotated[Any, Keywords({"$ref": reference_to("values")})]
COMPLEX = Annotated[dict[Literal["re", "im"], Number], "a complex number"]
Index = Annotated[tuple[int, ...], Keywords({"$ref": reference_to("index")})]


@dataclass(frozen=True, kw_only=True)
class Version:
    """One of two versions of a framework."""

    framework: Annotated[str, Keywords(enum=list(FRAMEWORKS)), "the framework"]
    version: Annotated[str | None, "its version; none where it could not start"] = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a file or a path."""

    file: Annotated[str, "the file or folder"]
    line: Annotated[Positive | None, "the line, from 1; none where none applies"] = None
    column: Annotated[Positive | None, "the column, from 1"] = None
    message: Annotated[str, "what is wrong, and the likely fix"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A side that could not give what was asked, or a mistake of tfpt's own."""

    framework: Annotated[
        str, Keywords(enum=[*SIDES, OURSELVES.key, WRITTEN.key]), "the side that failed, the scenario, or tfpt itself"
    ]
    symptom: Annotated[
        str,
        Keywords(enum=list(map(str, Symptom))),
        "exception where the framework itself refused the code; internal where tfpt itself failed; scenario where only "
        "that can mend it; the others are the framework's process",
    ]
    message: Annotated[str, "what it said"]
    listing_line: Annotated[Positive | None, "the line of the listing (`tfpt code`) at which it failed"] = None
    traceback: Annotated[str | None, "where tfpt itself failed, for a report of it"] = None
    where: Annotated[str | None, "the layer, and the line of a person's own file, at which it was raised"] = None


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Bins of equal width."""

    counts: Annotated[tuple[Count, ...], "how many values lie in each bin"]
    edges: Annotated[tuple[Number, ...], Keywords(minItems=2, maxItems=2), "where the bins begin and end"]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """An array in numbers."""

    mean: Annotated[Number, "the mean of the finite values"]
    std: Annotated[Number, "their standard deviation"]
    min: Annotated[Number, "the least of them"]
    max: Annotated[Number, "the greatest of them"]
    histogram: Histogram
    not_finite: Annotated[Positive | None, "how many values are not finite"] = None


@dataclass(frozen=True, kw_only=True)
class SideValue:
    """What a side has."""

    json_schema: ClassVar[JsonSchema] = {
        "if": {"properties": {"state": {"const": State.PRESENT.value}}},
        "then": {"required": ["shape", "dtype", "values"]},
        "else": {"properties": dict.fromkeys(("shape", "dtype", "values"), False)},
    }
    state: Annotated[
        State,
        "present, or why there is no value: disconnected (the framework answered None for a derivative), absent (the layer has "
        "no such parameter), failed, skipped (the machine lacks what it needs), not compared (the other side failed)",
    ]
    how: Annotated[str | None, "by which of its functions the framework computed it"] = None
    shape: Annotated[tuple[Count, ...] | None, "the length of each axis"] = None
    dtype: Annotated[str | None, "the framework's name of the dtype"] = None
    values: Annotated[Values | None, "nested like the array; of a large one the first, in one list"] = None
    left_out: Annotated[Positive | None, "how many values are not shown"] = None
    kinds: Annotated[
        dict[Literal["zero", "nan", "infinity"], Annotated[Positive, "how many are {key}"]] | None,
        Keywords(required=[], minProperties=1),
        "values of a special kind, where there are any",
    ] = None
    summary: Annotated[Summary | None, "of the values"] = None
    samples: Annotated[Summary | None, "of all draws of a random parameter"] = None
    note: Annotated[str | None, "what else is to be said, such as what the framework refused"] = None
    fans: Annotated[dict[Literal["fan_in", "fan_out"], int] | None, "of a parameter, as the framework counts"] = None
    filled_by: Annotated[str | None, "the initializer of a parameter, in formula and numbers"] = None


@dataclass(frozen=True, kw_only=True)
class Passes:
    """What tolerance would pass; none where no tolerance would."""

    rtol: Annotated[Number, "the smallest rtol that would pass with atol as it is"]
    atol: Annotated[Number, "the smallest atol that would pass with rtol as it is"]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Two values are close where |a - b| <= atol + rtol * max(|a|, |b|)."""

    rtol: Annotated[Number, "of the larger of the two values"]
    atol: Annotated[Number, "in absolute terms"]


@dataclass(frozen=True, kw_only=True)
class Test:
    """A statistical test."""

    name: Annotated[str, "what is tested"]
    on: Annotated[str, "on which samples, or against which law"]
    p: Annotated[float, Keywords(minimum=0, maximum=1), "the p-value"]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How a random parameter was judged."""

    declared: Annotated[
        dict[Side, Annotated[str, "a distribution"]],
        Keywords(minProperties=0),
        "the distribution that each side declares",
    ]
    samples: Annotated[dict[Side, Annotated[Positive, "values drawn"]], "how many values were drawn"]
    level: Annotated[
        float,
        Keywords(exclusiveMinimum=0, maximum=1),
        "of the whole verdict; a test fails below it divided by the number of tests",
    ]
    tests: Annotated[tuple[Test, ...], "every test that was made"]
    detectable_scale: Annotated[
        Number | None, "the smallest relative error of scale that is seen in 99 of 100 runs"
    ] = None
    detectable_mean: Annotated[Number | None, "the same of the mean, in standard deviations"] = None


@dataclass(frozen=True, kw_only=True)
class Kink:
    """A place where the two are not the same."""

    index: Index
    left: Annotated[Number, "the derivative from the left"]
    right: Annotated[Number, "the derivative from the right"]


@dataclass(frozen=True, kw_only=True)
class Against:
    """A side against the reference."""

    standing: Annotated[
        Standing,
        "right; convention (at a kink, between the one-sided derivatives); rounding (off, but right in double precision); "
        "overflow (no number, and right in double precision, or beyond the greatest number of the dtype); wrong; unknown (the "
        "reference has no value that is sure enough, anywhere)",
    ]
    off: Annotated[Count, "how many values are off by more than the tolerance and the reference's own error"]
    ulps: Annotated[Number | None, "the greatest distance in units in the last place of the side's dtype"] = None
    max_abs: Annotated[Number | None, "the greatest absolute distance"] = None
    worst_index: Annotated[Index | None, "the place of a value that is off"] = None
    unknown: Annotated[Positive | None, "of how many values the reference has none that is sure enough"] = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the NumPy reference says of a quantity."""

    json_schema: ClassVar[JsonSchema] = {"oneOf": [{"required": ["values"]}, {"required": ["values_by_side"]}]}
    method: Annotated[str, "how it was computed"]
    values: Annotated[Values | None, "one for both sides"] = None
    values_by_side: Annotated[dict[Side, Values] | None, "each side's own, where they are different functions"] = None
    left_out: Annotated[Positive | None, "how many values are not shown"] = None
    error: Annotated[Number | None, "the greatest of its own error estimates"] = None
    condition: Annotated[Number | None, "how many times larger a small relative change of the inputs comes out"] = None
    kinks: Annotated[tuple[Kink, ...] | None, "where the derivative from the left is not that from the right"] = None
    one_sided: Annotated[dict[Place, Values] | None, "the derivatives from the left and from the right of a kink"] = (
        None
    )
    sides: Annotated[dict[Side, Against], "the side {key} against it"] = SPREAD


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One quantity on both sides."""

    # By whichever names.
    json_schema: ClassVar[JsonSchema] = {
        "oneOf": [
            {"required": list(names), "properties": dict.fromkeys(others, False)}
            for names, others in ((FRAMEWORKS, PLACES), (PLACES, FRAMEWORKS))
        ]
    }
    quantity: Annotated[str, "the parameter of a layer, the value of an expression, or a derivative such as d/dx"]
    verdict: Annotated[Verdict, "what the comparison came to"]
    reason: Annotated[str | None, "the verdict in words"] = None
    layout: Annotated[str | None, "an einops pattern from PyTorch's axes to TensorFlow's, where they are named"] = None
    blocks: Annotated[
        dict[Side, Annotated[tuple[Annotated[Word, "a gate"], ...], "in order"]] | None,
        "what stands along the axis `gate`, in each framework's order",
    ] = None
    sides: Annotated[dict[Side, SideValue], "the side {key}"] = SPREAD
    size: Annotated[Count | None, "how many values were compared"] = None
    mismatched: Annotated[Count | None, "how many of them are not close"] = None
    max_abs: Annotated[Number | None, "the greatest absolute difference"] = None
    max_rel: Annotated[Number | None, "the greatest relative difference"] = None
    max_ulp: Annotated[Count | None, "the greatest distance in units in the last place"] = None
    worst_index: Annotated[Index | None, "where the two are farthest apart"] = None
    passes_at: Passes | None = None
    tolerance: Tolerance | None = None
    distribution: Distribution | None = None
    diagnosis: Annotated[
        tuple[
            Annotated[
                Word,
                f"such as {', '.join(Diagnosis)}",
            ],
            ...,
        ],
        "what is wrong, in words of a fixed vocabulary",
    ]
    reference: Reference | None = None
    findings: Annotated[tuple[Annotated[Word, "a sentence"], ...] | None, "what the reference has to say"] = None
    known_differences: Annotated[
        tuple[Annotated[Word, "an id for `tfpt explain`"], ...], "the known differences that explain it"
    ]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of two models, side by side. Distances are relative to the greatest number of what is compared."""

    names: Annotated[dict[Side, str], "its path in each model"]
    codes: Annotated[dict[Side, str], "what it is in each framework, as code or as the name of a class"]
    shapes: Annotated[dict[Side, tuple[Count, ...]], "the shape of what it gives"]
    verdict: Annotated[Verdict, "what both came to, by itself and so far"]
    by_itself: Annotated[Number | None, "how far both are apart where they are given the same input"] = None
    so_far: Annotated[Number | None, "how far they are apart in the models"] = None
    gradient_by_itself: Annotated[Number | None, "how far the gradients by what it is given are, by itself"] = None
    gradient_so_far: Annotated[Number | None, "how far the gradients by what it gives are, in the models"] = None
    in_float32: Annotated[Number | None, "how far they are apart in the models in float32"] = None
    rounding: Annotated[
        dict[Side, Number] | None, "how far each is in float32 from what it gives itself in float64"
    ] = None
    layout: Annotated[str | None, "an einops pattern from PyTorch's axes to TensorFlow's of what it gives"] = None
    begins: Annotated[bool, "whether the models begin to part here"]
    note: Annotated[str | None, "why something was not measured"] = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Parameters of two models that correspond."""

    names: Annotated[dict[Side, str], "the path of the parameter in each model; of a sum those of its parts"]
    why: Annotated[str, "why they were paired"]
    layout: Annotated[
        str | None,
        "an einops pattern from PyTorch's axes to TensorFlow's, where they are named, with lengths that it needs",
    ] = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A case of a scenario."""

    file: Annotated[str, "the file, as it was named"]
    line: Annotated[Positive, "the line in it at which the scenario begins"]
    name: Annotated[str, "its name, with the case in brackets where it has several"]
    case: Annotated[dict[str, Values | str], "the values of the matrix; empty where the scenario has none"]
    subject: Annotated[
        str | None,
        Keywords(enum=list(SUBJECTS)),
        "what it is about; left out where tfpt itself failed before it knew",
    ] = None
    tags: Annotated[tuple[Annotated[Word, "a tag"], ...] | None, "its tags"] = None
    expect: Annotated[
        Relation | Annotated[dict[str, Relation], Keywords(minProperties=1)],
        "what it expects: agree, differ, error, or one of them by quantity",
    ]
    because: Annotated[str | None, "the reason that it gives for what it expects"] = None
    headline: Annotated[str | None, "what is compared: the code, or the layer, and the inputs"] = None
    agree: Annotated[bool, "whether every quantity agrees, whatever was expected"]
    compared: Annotated[str | None, "what was compared, in words that stand behind 'agree in'"] = None
    status: Annotated[
        Status,
        "held against what it expects: passed, failed, error (a framework broke, or refused unexpectedly) or skipped (the "
        "machine lacks what it needs)",
    ]
    reason: Annotated[
        str | None,
        "of a scenario that is not as expected: what parts, why (the known difference), and what to write, in one sentence",
    ] = None
    seconds: Annotated[Seconds, "how long it took in the slower framework, in seconds"]
    cached: Annotated[
        bool | None,
        Keywords(const=True),
        "an earlier run has computed it, and nothing that it depends on has changed since; `--no-cache` computes it anew",
    ] = None
    comparisons: Annotated[tuple[Comparison, ...], "every quantity, once for each way in which it was computed"]
    failures: Annotated[tuple[Failure, ...], "what a framework refused, and how its process broke"]
    notes: Annotated[tuple[Annotated[Word, "a sentence"], ...] | None, "what is to be said besides the comparisons"] = (
        None
    )
    layers: Annotated[tuple[Layer, ...] | None, "of two models: the layers that both call, in PyTorch's order"] = None
    pairs: Annotated[tuple[Pair, ...] | None, "of two models: which parameters were paired"] = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `tfpt check --format json` prints. What does not apply is left out."""

    schema: Annotated[str, Keywords(const=SCHEMA), "the name and version of this contract"]
    sides: Annotated[
        dict[Place, Version] | None,
        "where two versions of one framework are compared: what `left` and `right` are, which then stand in place of `torch` and "
        "`tensorflow` everywhere",
    ] = None
    environment: Annotated[
        dict[str, str],
        Keywords(required=["tfpt", "python"]),
        "versions of everything that took part, and what of the machine decides results: `torch_cpu`, `tensorflow_cpu` (the "
        "vector instructions that kernels are chosen by), `torch_threads`, `tensorflow_threads`, `torch_onednn`, "
        "`tensorflow_onednn` (on or off); of a framework that could not start, none",
    ]
    scenarios: Annotated[tuple[Scenario, ...], "every case that was checked, in the order of the files"]
    problems: Annotated[tuple[Problem, ...], "everything that is wrong with the files"]
    summary: Annotated[
        dict[Status, Annotated[Count, "how many scenarios are {key}"]], "how many scenarios have each status"
    ]
    interrupted: Annotated[
        bool | None, Keywords(const=True), "the run was ended early: what is missing is not here"
    ] = None
    seconds: Annotated[Seconds, "how long the run took, in seconds"]


def contract() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `tfpt check --format json`; whoever calls may change it."""
    schemas = Schemas(sides=SIDES)
    report = schemas.of_record(Report)
    number = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tfpt:report:{SCHEMA.rpartition('/')[2]}",
        "title": "tfpt report",
        **report,
        "description": Report.__doc__,
        "$defs": {
            "number": {**number, "description": "a number; what JSON has no number for is `nan`, `inf` or `-inf`"},
            "values": {
                "description": "a number, a truth value, a complex number, or nested lists of them",
                "anyOf": [schemas.of(hint) for hint in (Number, bool, COMPLEX, tuple[Values, ...])],
            },
            "index": schemas.of(Annotated[tuple[Count, ...], "the place of one value, an index for each axis"]),
            **schemas.records,
        },
    }
