"""Inputs made of other inputs: by their tokens, by the data that they are, by their bytes.

Bytes alone rarely get behind a parser. So a text is altered by its words and signs, YAML and JSON by the values and keys of the
data, with what has broken readers before in their places, and with pieces of other inputs.
"""

from __future__ import annotations

import copy
import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.odd_values import NUMBERS, SIGNS, VALUES, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\s+|->|\*\*|//|[<>=!]=|.", re.DOTALL)
# So many places of data are looked at.
_MOST = 2_000


def text_of(data: bytes) -> str:
    """Any bytes as a text, with what is no UTF-8 as half of a character."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """A text as bytes; half of a character stays as it is, as three bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def of_bytes(data: bytes, random: Random) -> bytes:
    """Bytes with a few of them altered, taken out, repeated, or set to what is at the edge of a number."""
    found = bytearray(data or b"\0")
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(found) + 1)
        match random.randrange(8):
            case 0 if at < len(found):
                found[at] ^= 1 << random.randrange(8)
            case 1 if at < len(found):
                found[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            case 2:
                del found[at : at + random.choice((1, 1, 2, 8, 64))]
            case 3:
                found[at:at] = bytes(random.randrange(256) for _ in range(random.choice((1, 2, 4, 8))))
            case 4:
                found[at:at] = found[at : at + random.choice((1, 4, 16, 64))]
            case 5:
                width = random.choice((1, 2, 4, 8))
                number = random.choice((0, 1, 2**7, 2**15, 2**31, 2**63, 2 ** (8 * width) - 1, 2**40)) % 2 ** (
                    8 * width
                )
                found[at : at + width] = number.to_bytes(width, random.choice(("little", "big")))
            case 6:
                del found[at:]
            case _:
                other = random.randrange(len(found) + 1)
                found[at : at + 8] = found[other : other + 8]
        if not found:
            break
    return bytes(found)


def of_text(text: str, random: Random, others: Sequence[str] = (), words: Sequence[str] = WORDS) -> str:
    """A text with a few of its words and signs exchanged, taken out, doubled, nested, or put in from elsewhere."""
    tokens = _TOKEN.findall(text)
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        at = random.randrange(len(tokens) + 1)
        end = at + random.choice((1, 1, 1, 2, 5))
        match random.randrange(10):
            case 0:
                del tokens[at:end]
            case 1:
                tokens[at:at] = tokens[at:end]
            case 2:
                tokens[at:end] = [_token(random, words)]
            case 3:
                tokens[at:at] = [_token(random, words)]
            case 4 if at < len(tokens):
                tokens[at] = random.choice(NUMBERS) if tokens[at][:1].isdigit() else _token(random, words)
            case 5 if others:
                other = _TOKEN.findall(random.choice(others))
                begin = random.randrange(len(other) + 1)
                tokens[at:end] = other[begin : begin + random.choice((1, 3, 10, 40))]
            case 6:
                left, right = random.choice(
                    ("()", "[]", "{}", ("f(", ")"), ("-", ""), ("~", ""), ("x[", "]"), ("(x)", "()"), ('"', '"'))
                )
                count = random.choice((1, 1, 2, 20, 120))
                tokens[at:end] = [left * count, *tokens[at:end], right * count]
            case 7 if tokens:
                other_at = random.randrange(len(tokens))
                tokens[at:end], tokens[other_at : other_at + 1] = tokens[other_at : other_at + 1], tokens[at:end]
            case 8:
                tokens[at:end] = tokens[at:end] * random.choice((2, 3, 30, 200))
            case _ if at < len(tokens):
                token = tokens[at]
                place = random.randrange(len(token) + 1)
                tokens[at] = token[:place] + random.choice(("", "_", "0", "e", " ", "é")) + token[place + 1 :]
        if not tokens:
            break
    return "".join(tokens)[:40_000]


def _token(random: Random, words: Sequence[str]) -> str:
    return str(random.choice(random.choice((NUMBERS, words, SIGNS, words))))


def of_data(data: Any, random: Random, others: Sequence[Any] = (), texts: Callable[[str], str] = str) -> Any:
    """Nested lists and dicts with a few of their values and keys altered, moved, or taken from other data.

    `texts` alters a text that is in them.
    """
    data = copy.deepcopy(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        places = list(islice(_places(data), _MOST))
        if not places:
            return random.choice(VALUES)
        holder, key = random.choice(places)
        match random.randrange(9):
            case 0:
                holder[key] = copy.deepcopy(random.choice(VALUES))
            case 1:
                del holder[key]
            case 2 if isinstance(holder, dict):
                value = holder.pop(key)
                holder[random.choice((texts(str(key)), *(str(other) for _, other in places[:40])))] = value
            case 3:
                other, its = random.choice(places)
                try:
                    holder[key] = copy.deepcopy(other[its])
                except (KeyError, IndexError):
                    pass
            case 4 if others:
                there = list(islice(_places(random.choice(others)), _MOST))
                if there:
                    other, its = random.choice(there)
                    if isinstance(holder, dict) and random.random() < 0.5:
                        holder[str(its)] = copy.deepcopy(other[its])
                    else:
                        holder[key] = copy.deepcopy(other[its])
            case 5:
                count = (
                    random.choice((1, 1, 2, 70)) if len(places) < _MOST // 70 else 1
                )  # data must not grow without end
                holder[key] = [holder[key]] * count if random.random() < 0.7 else {"x": holder[key]}
            case 6 if isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
                holder[key] = random.choice((holder[key] + 1, -holder[key], 0, holder[key] * 2**20, 0.5))
            case _ if isinstance(holder[key], str):
                holder[key] = texts(holder[key])
            case _:
                holder[key] = copy.deepcopy(random.choice(VALUES))
    return data


def _places(data: Any, depth: int = 0) -> Any:
    """Every place of nested data: what holds it, and by which key or index."""
    if depth > 30:
        return
    items = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, item in items:
        yield data, key
        if isinstance(item, (dict, list)):
            yield from _places(item, depth + 1)


def yaml_text(data: Any) -> str:
    """Data as YAML, in one line or many; where that cannot be, its JSON."""
    try:
        return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10**6))
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeError):
        return json_text(data)


def json_text(data: Any) -> str:
    """Data as JSON, with NaN and Infinity as Python writes them."""
    try:
        return json.dumps(data)
    except (ValueError, TypeError, RecursionError):
        return "null"
