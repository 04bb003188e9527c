"""What every HTML page of tfpt is drawn with: templates in a folder, text that cannot steer a page, hashes of its parts."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from tfpt_cli.results import printable_lines

if TYPE_CHECKING:
    from pathlib import Path

_WEB = re.compile(r"https?://[^\s]+\Z")


def html_environment(folder: Path) -> Environment:
    """The environment of the templates in a folder: text is escaped, and what is not defined is an error.

    Its test `web` tells an address that may be a link, and its filter `sources` gives the addresses of a source one by one.
    """
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
        # Indented for who reads the template; hundreds of rows or scenarios need not carry that.
        loader=FunctionLoader(lambda name: re.sub(r"\n[ ]+", "\n", part(folder / name))),
    )
    environment.tests["web"] = lambda text: bool(_WEB.match(text))
    environment.filters["sources"] = _sources
    return environment


@cache
def part(path: Path) -> str:
    """A template, a style sheet or a script of this package as text."""
    return path.read_text(encoding="utf-8")


def policy_hash(text: str) -> str:
    """The hash by which a Content-Security-Policy allows a style sheet or a script.

    >>> policy_hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _shown(value: Any) -> Any:
    """Text without what would steer how the rest is read: control characters and changes of direction."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sources(text: str) -> list[str]:
    return [address for address in re.split(r"\s*,\s+|\s+", text) if address] if "://" in text else [text]
