"""The static site: every page of the dictionary as HTML that works from a folder, without a server.

A page asks for the site's own style sheet and for nothing else. Its Content-Security-Policy forbids the rest, and the list,
which has the only script, allows that one by its hash.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

import tfpt_cli.report
from tfpt_cli import __version__
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.report.html_environment import html_environment, part, policy_hash
from tfpt_cli.results import printable_lines
from tfpt_cli.site.pages import Page, pages, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FOLDER = Path(__file__).parent
# By kind, what one row and all of them are called.
KIND_NAMES = {
    "differences": ("known difference", "Known differences"),
    "layers": ("layer", "Layers"),
    "initializers": ("initializer", "Initializers"),
    "operations": ("operation", "Operations"),
}
# A line of YAML: its key, what follows, its comment.
_YAML = re.compile(r"( *[\w-]+:(?= |$))?(.*?)((?:^| )#.*)?")


def site(made: Sequence[Page] | None = None) -> Iterator[tuple[str, str]]:
    """Every file of the site: its path, seen from the top, and its text."""
    rows = pages() if made is None else made
    by_name = {(page.kind, page.name): page for page in rows}
    yield "style.css", _tokens() + part(_FOLDER / "style.css")
    script = part(_FOLDER / "search.js")
    yield (
        "index.html",
        _template("index.html.j2").render(
            groups=list(_groups(rows)),
            counts={kind: sum(p.kind == kind and not p.equal for p in rows) for kind in KIND_NAMES},
            equal=sum(page.equal for page in rows),
            script=Markup(script),  # noqa: S704 - a file of this package
            policy=_policy(f"script-src '{policy_hash(script)}'"),
            top="",
        ),
    )
    page_of = _template("page.html.j2")
    for page in rows:
        parted = [p for p in page.partings if p.verdict != "open"]
        text = page_of.render(page=page, parted=parted, by_name=by_name, policy=_policy(""), top="../")
        yield page.link.path, text


def _groups(rows: Sequence[Page]) -> Iterator[tuple[str, str, list[tuple[str, list[Page]]]]]:
    """The list, kind by kind: its key, its heading, and its pages by area or file."""
    for kind, (_, heading) in KIND_NAMES.items():
        of_kind = [page for page in rows if page.kind == kind and not page.equal]
        yield kind, heading, [(group, list(found)) for group, found in groupby(of_kind, lambda page: page.group)]
    if equal := [page for page in rows if page.equal]:
        yield "equal", "Believed to differ, and equal", [("", equal)]


@cache
def _tokens() -> str:
    """The colours and the typefaces of the HTML report, which the site shares."""
    css = part(Path(tfpt_cli.report.__file__).parent / "page.css")
    found = re.search(r":root \{\n.*?\n\}\n", css, re.DOTALL)
    assert found is not None
    return found[0]


def _policy(script: str) -> str:
    """What a page may ask for: the style sheet beside it, from a server or from a folder, and its own empty icon."""
    return "; ".join(
        filter(None, ["default-src 'none'", "style-src 'self' file:", "img-src data:", script, "base-uri 'none'"])
    )


@cache
def _template(name: str) -> Any:
    environment = html_environment(_FOLDER)
    environment.globals.update(
        FRAMEWORKS=FRAMEWORKS, KIND_NAMES=KIND_NAMES, version=__version__, versions=versions(), ulp=_ulp, pair=_pair
    )
    environment.filters.update(yaml=_yaml, sentence=_sentence, code=_breakable, linked=_linked)
    return environment.get_template(name)


def _yaml(text: str) -> Markup:
    """YAML with its keys and its comments marked."""
    lines = []
    for line in text.rstrip().splitlines():
        found = _YAML.fullmatch(printable_lines(line))
        key, rest, comment = found.groups(default="") if found else ("", line, "")
        marked = Markup("<b>{}</b>").format(key) if key else Markup()
        lines.append(marked + rest + (Markup("<i>{}</i>").format(comment) if comment else ""))
    return Markup("\n").join(lines)


def _sentence(text: str) -> str:
    """A text with a capital at its beginning and a full stop at its end; code at its beginning stays as it is.

    >>> _sentence("the exact form unless said"), _sentence("tf.sqrt has none")
    ('The exact form unless said.', 'tf.sqrt has none.')
    """
    first = text.partition(" ")[0]
    plain = first.isalpha() and first.islower()
    return (text[:1].upper() + text[1:] if plain else text) + ("" if text.endswith((".", ":")) else ".")


def _linked(text: str, by_name: Mapping[tuple[str, str], Page], top: str) -> Markup:
    """A sentence in which the id of a known difference is a link to its page."""
    made = Markup()
    for word in re.split(r"(\b[a-z]\w*(?:-\w+)+\b)", printable_lines(text)):
        page = by_name.get(("differences", word))
        made += Markup('<a href="{}{}">{}</a>').format(top, page.link.path, word) if page else word
    return made


def _breakable(text: str, behind: str = ".(") -> Markup:
    """Code or a name that may be broken behind some characters where a line is too narrow for it."""
    return Markup("<wbr>").join(re.split(rf"(?<=[{re.escape(behind)}])(?=[^\W\d])", printable_lines(text)))


def _ulp(number: float | None) -> str:
    """A distance in ULP, in few digits."""
    if number is None:
        return "–"
    return f"{number:.2f}" if number < 100 else f"{number:.1e}".replace("e+0", "e")


def _pair(found: Mapping[str, float] | None) -> str:
    """PyTorch's and TensorFlow's distance as one text; empty where none was measured."""
    return " / ".join(_ulp(found.get(f)) for f in FRAMEWORKS) if found else ""
