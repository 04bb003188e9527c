"""The JSON Schema of the JSON report: what a program that reads reports may rely on."""

from __future__ import annotations

from typing import Any

from tfpt_cli.frameworks import FRAMEWORKS, LEFT, OURSELVES, RIGHT
from tfpt_cli.report.json_report import SCHEMA
from tfpt_cli.results import INTERNAL, Standing, State, Status, Verdict
from tfpt_cli.subjects.registry import SUBJECTS

# Two versions of one framework are two places, not two frameworks.
PLACES = (LEFT, RIGHT)
_SIDES = (*FRAMEWORKS, *PLACES)


def contract() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `tfpt check --format json`; whoever calls may change it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tfpt:report:{SCHEMA.rpartition('/')[2]}",
        "title": "tfpt report",
        "description": "What `tfpt check --format json` prints. What does not apply is left out.",
        **_object(
            {
                "schema": {"const": SCHEMA, "description": "the name and version of this contract"},
                "sides": _object(
                    {place: _ref("version") for place in PLACES},
                    "where two versions of one framework are compared: what `left` and `right` are, which then stand "
                    "in place of `torch` and `tensorflow` everywhere",
                ),
                "environment": {
                    "type": "object",
                    "description": "versions of everything that took part, and what of the machine decides results: `torch_cpu`, "
                    "`tensorflow_cpu` (the vector instructions that kernels are chosen by), `torch_threads`, "
                    "`tensorflow_threads`, `torch_onednn`, `tensorflow_onednn` (on or off); of a framework that could not "
                    "start, none",
                    "required": ["tfpt", "python"],
                    "additionalProperties": {"type": "string"},
                },
                "scenarios": _list(_ref("scenario"), "every case that was checked, in the order of the files"),
                "problems": _list(_ref("problem"), "everything that is wrong with the files"),
                "summary": _object(
                    {status.value: _count(f"how many scenarios are {status.value}") for status in Status},
                    "how many scenarios have each status",
                ),
                "interrupted": {"const": True, "description": "the run was ended early: what is missing is not here"},
                "seconds": _seconds("how long the run took"),
            },
            optional=("sides", "interrupted"),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> dict[str, Any]:
    number = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}
    return {
        "number": {**number, "description": "a number; what JSON has no number for is `nan`, `inf` or `-inf`"},
        "values": {
            "description": "a number, a truth value, a complex number, or nested lists of them",
            "anyOf": [
                _ref("number"),
                {"type": "boolean"},
                _object({"re": _ref("number"), "im": _ref("number")}, "a complex number"),
                {"type": "array", "items": _ref("values")},
            ],
        },
        "index": _list({"type": "integer", "minimum": 0}, "the place of one value, an index for each axis"),
        "version": _object(
            {
                "framework": {"enum": list(FRAMEWORKS), "description": "the framework"},
                "version": _text("its version; none where it could not start"),
            },
            "one of two versions of a framework",
            optional=("version",),
        ),
        "problem": _problem(),
        "scenario": _scenario(),
        "failure": _failure(),
        "comparison": _comparison(),
        "side": _side(),
        "summary": _summary(),
        "distribution": _distribution(),
        "reference": _reference(),
        "against": _against(),
    }


def _object(properties: dict[str, Any], description: str = "", optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these keys and no other, all but the optional ones required."""
    return {
        "type": "object",
        **({"description": description} if description else {}),
        "additionalProperties": False,
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


def _list(items: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items, **more}


def _words(description: str, word: str) -> dict[str, Any]:
    return _list({"type": "string", "minLength": 1, "description": word}, description)


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _count(description: str, minimum: int = 0) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "description": description}


def _seconds(description: str) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "description": f"{description}, in seconds"}


def _number(description: str) -> dict[str, Any]:
    return {**_ref("number"), "description": description}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _by_side(value: dict[str, Any], description: str) -> dict[str, Any]:
    """A value for some of the sides."""
    return {
        **_object(dict.fromkeys(_SIDES, value), description, optional=_SIDES),
        "minProperties": 1,
        "maxProperties": len(FRAMEWORKS),
    }


def _both_sides(schema: dict[str, Any]) -> dict[str, Any]:
    """An object that has both sides, by whichever names."""
    pairs = ((FRAMEWORKS, PLACES), (PLACES, FRAMEWORKS))
    return {
        **schema,
        "oneOf": [{"required": list(names), "properties": dict.fromkeys(others, False)} for names, others in pairs],
    }


def _scenario() -> dict[str, Any]:
    expected = {"enum": ["agree", "differ", "error"]}
    return _object(
        {
            "file": _text("the file, as it was named"),
            "line": _count("the line in it at which the scenario begins", 1),
            "name": _text("its name, with the case in brackets where it has several"),
            "case": {
                "type": "object",
                "description": "the values of the matrix; empty where the scenario has none",
                "additionalProperties": {"anyOf": [_ref("values"), {"type": "string"}]},
            },
            "subject": {
                "enum": list(SUBJECTS),
                "description": "what it is about; left out where tfpt itself failed before it knew",
            },
            "tags": _words("its tags", "a tag"),
            "expect": {
                "description": "what it expects: agree, differ, error, or one of them by quantity",
                "anyOf": [expected, {"type": "object", "minProperties": 1, "additionalProperties": expected}],
            },
            "because": _text("the reason that it gives for what it expects"),
            "agree": {"type": "boolean", "description": "whether every quantity agrees, whatever was expected"},
            "compared": _text("what was compared, in words that stand behind 'agree in'"),
            "status": {
                "enum": [status.value for status in Status],
                "description": "held against what it expects: passed, failed, error (a framework broke, or refused unexpectedly) "
                "or skipped (the machine lacks what it needs)",
            },
            "seconds": _seconds("how long it took in the slower framework"),
            "comparisons": _list(_ref("comparison"), "every quantity, once for each way in which it was computed"),
            "failures": _list(_ref("failure"), "what a framework refused, and how its process broke"),
            "notes": _words("what is to be said besides the comparisons", "a sentence"),
        },
        "a case of a scenario",
        optional=("subject", "tags", "because", "compared", "notes"),
    )


def _problem() -> dict[str, Any]:
    return _object(
        {
            "file": _text("the file or folder"),
            "line": _count("the line, from 1; none where none applies", 1),
            "column": _count("the column, from 1", 1),
            "message": _text("what is wrong, and the likely fix"),
        },
        "something wrong with a file or a path",
        optional=("line", "column"),
    )


def _failure() -> dict[str, Any]:
    return _object(
        {
            "framework": {"enum": [*_SIDES, OURSELVES.key], "description": "the side that failed, or tfpt itself"},
            "symptom": {
                "enum": ["exception", "crashed", "timeout", "nonsense", "not installed", "not started", INTERNAL],
                "description": "exception where the framework itself refused the code; internal where tfpt itself failed; the "
                "others are the framework's process",
            },
            "message": _text("what it said"),
            "listing_line": _count("the line of the listing (`tfpt code`) at which it failed", 1),
            "traceback": _text("where tfpt itself failed, for a report of it"),
        },
        "a side that could not give what was asked, or a mistake of tfpt's own",
        optional=("listing_line", "traceback"),
    )


def _comparison() -> dict[str, Any]:
    side = _ref("side")
    apart = {
        "size": _count("how many values were compared"),
        "mismatched": _count("how many of them are not close"),
        "max_abs": _number("the greatest absolute difference"),
        "max_rel": _number("the greatest relative difference"),
        "max_ulp": _count("the greatest distance in units in the last place"),
        "worst_index": {**_ref("index"), "description": "where the two are farthest apart"},
        "passes_at": _object(
            {
                "rtol": _number("the smallest rtol that would pass with atol as it is"),
                "atol": _number("the smallest atol that would pass with rtol as it is"),
            },
            "what tolerance would pass; none where no tolerance would",
        ),
    }
    properties = {
        "quantity": _text("the parameter of a layer, the value of an expression, or a derivative such as d/dx"),
        "verdict": {"enum": [verdict.value for verdict in Verdict], "description": "what the comparison came to"},
        "reason": _text("the verdict in words"),
        "layout": _text("an einops pattern from PyTorch's axes to TensorFlow's, where they are named"),
        "blocks": _by_side(
            _words("in order", "a gate"), "what stands along the axis `gate`, in each framework's order"
        ),
        **{name: {**side, "description": f"the side {name}"} for name in _SIDES},
        **apart,
        "tolerance": _object(
            {"rtol": _number("of the larger of the two values"), "atol": _number("in absolute terms")},
            "two values are close where |a - b| <= atol + rtol * max(|a|, |b|)",
        ),
        "distribution": _ref("distribution"),
        "diagnosis": _words(
            "what is wrong, in words of a fixed vocabulary",
            "such as shape, dtype, absent, disconnected, nan, infinity, zero, number, non-finite, subnormal, distribution, "
            "dependent, ways, kink, rounding, overflow, unstable, ill-conditioned, different function, both wrong",
        ),
        "reference": _ref("reference"),
        "findings": _words("what the reference has to say", "a sentence"),
        "known_differences": _words("the known differences that explain it", "an id for `tfpt explain`"),
    }
    required = ("quantity", "verdict", "diagnosis", "known_differences")
    optional = tuple(name for name in properties if name not in required)
    return _both_sides(_object(properties, "one quantity on both sides", optional))


def _side() -> dict[str, Any]:
    present = ("shape", "dtype", "values")
    properties = {
        "state": {
            "enum": [state.value for state in State],
            "description": "present, or why there is no value: disconnected (the framework answered None for a derivative), "
            "absent (the layer has no such parameter), failed, skipped (the machine lacks what it needs)",
        },
        "how": _text("by which of its functions the framework computed it"),
        "shape": _list({"type": "integer", "minimum": 0}, "the length of each axis"),
        "dtype": _text("the framework's name of the dtype"),
        "values": {**_ref("values"), "description": "nested like the array; of a large one the first, in one list"},
        "left_out": _count("how many values are not shown", 1),
        "kinds": {
            **_object(
                {kind: _count(f"how many are {kind}", 1) for kind in ("zero", "nan", "infinity")},
                "values of a special kind, where there are any",
                optional=("zero", "nan", "infinity"),
            ),
            "minProperties": 1,
        },
        "summary": {**_ref("summary"), "description": "of the values"},
        "samples": {**_ref("summary"), "description": "of all draws of a random parameter"},
        "note": _text("what else is to be said, such as what the framework refused"),
        "fans": _object(
            {"fan_in": {"type": "integer"}, "fan_out": {"type": "integer"}}, "of a parameter, as the framework counts"
        ),
        "filled_by": _text("the initializer of a parameter, in formula and numbers"),
    }
    return {
        **_object(properties, "what a side has", tuple(name for name in properties if name != "state")),
        "if": {"properties": {"state": {"const": "present"}}},
        "then": {"required": list(present)},
        "else": {"properties": dict.fromkeys(present, False)},
    }


def _summary() -> dict[str, Any]:
    return _object(
        {
            "mean": _number("the mean of the finite values"),
            "std": _number("their standard deviation"),
            "min": _number("the least of them"),
            "max": _number("the greatest of them"),
            "histogram": _object(
                {
                    "counts": _list({"type": "integer", "minimum": 0}, "how many values lie in each bin"),
                    "edges": _list(_ref("number"), "where the bins begin and end", minItems=2, maxItems=2),
                },
                "bins of equal width",
            ),
            "not_finite": _count("how many values are not finite", 1),
        },
        "an array in numbers",
        optional=("not_finite",),
    )


def _distribution() -> dict[str, Any]:
    test = _object(
        {
            "name": _text("what is tested"),
            "on": _text("on which samples, or against which law"),
            "p": {"type": "number", "minimum": 0, "maximum": 1, "description": "the p-value"},
        },
        "a statistical test",
    )
    return _object(
        {
            "declared": _by_side(_text("a distribution"), "the distribution that each side declares")
            | {"minProperties": 0},
            "samples": _by_side(_count("values drawn", 1), "how many values were drawn"),
            "level": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 1,
                "description": "of the whole verdict; a test fails below it divided by the number of tests",
            },
            "tests": _list(test, "every test that was made"),
            "detectable_scale": _number("the smallest relative error of scale that is seen in 99 of 100 runs"),
            "detectable_mean": _number("the same of the mean, in standard deviations"),
        },
        "how a random parameter was judged",
        optional=("detectable_scale", "detectable_mean"),
    )


def _reference() -> dict[str, Any]:
    values, against = _ref("values"), _ref("against")
    kink = _object(
        {
            "index": _ref("index"),
            "left": _number("the derivative from the left"),
            "right": _number("the derivative from the right"),
        },
        "a place where the two are not the same",
    )
    return {
        **_object(
            {
                "method": _text("how it was computed"),
                "values": {**values, "description": "one for both sides"},
                "values_by_side": _by_side(values, "each side's own, where they are different functions"),
                "left_out": _count("how many values are not shown", 1),
                "error": _number("the greatest of its own error estimates"),
                "condition": _number("how many times larger a small relative change of the inputs comes out"),
                "kinks": _list(kink, "where the derivative from the left is not that from the right"),
                "one_sided": _object(
                    dict.fromkeys(PLACES, values), "the derivatives from the left and from the right of a kink"
                ),
                **{name: {**against, "description": f"the side {name} against it"} for name in _SIDES},
            },
            "what the NumPy reference says of a quantity",
            optional=("values", "values_by_side", "left_out", "error", "condition", "kinks", "one_sided", *_SIDES),
        ),
        "oneOf": [{"required": ["values"]}, {"required": ["values_by_side"]}],
    }


def _against() -> dict[str, Any]:
    return _object(
        {
            "standing": {
                "enum": [standing.value for standing in Standing],
                "description": "right; convention (at a kink, between the one-sided derivatives); rounding (off, but right in "
                "double precision); overflow (no number, and right in double precision, or beyond the greatest number of the "
                "dtype); wrong; unknown (the reference has no value that is sure enough, anywhere)",
            },
            "off": _count("how many values are off by more than the tolerance and the reference's own error"),
            "ulps": _number("the greatest distance in units in the last place of the side's dtype"),
            "max_abs": _number("the greatest absolute distance"),
            "worst_index": {**_ref("index"), "description": "the place of a value that is off"},
            "unknown": _count("of how many values the reference has none that is sure enough", 1),
        },
        "a side against the reference",
        optional=("ulps", "max_abs", "worst_index", "unknown"),
    )
