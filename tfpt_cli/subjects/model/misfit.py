"""Why the numbers of a parameter do not fit into the other side's: a setting of its layer, or a size that parts before it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH
from tfpt_cli.language.mentions import field
from tfpt_cli.layers.known import row_of_layers
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.subjects.model.alignment import aligned
from tfpt_cli.subjects.model.beginning import Search
from tfpt_cli.subjects.model.side_by_side import Watched
from tfpt_cli.subjects.model.wording import said_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.subjects.model.beginning import Beginning
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.paired_parameters import PairedParameters
    from tfpt_cli.subjects.model.pairing import Pairing
    from tfpt_cli.subjects.model.spec import Model

# The settings of a layer of which the shape of no parameter depends.
_NOT_OF_SHAPE = frozenset(
    {"stride", "padding", "output_padding", "dilation", "eps", "momentum", "nonlinearity", "init", "p"}
)


class Misfits:
    """Looks for why parameters that correspond have other shapes, by what was seen of both models as they were called."""

    def __init__(self, spec: Model, sides: Sides, inventories: Mapping[Side, Inventory], pairing: Pairing) -> None:
        self.spec, self.sides, self.inventories, self.pairing = spec, sides, inventories, pairing

    def why(self, pair: PairedParameters) -> str:
        """Why a pair does not fit, in words; empty where that is not known."""
        return self._settings(pair) or self._size_given(pair)

    def said(self, pair: PairedParameters) -> str:
        """That a pair does not fit, with why, or with how to say that its axes stand in another order."""
        first, second = (self.inventories[side] for side in self.sides)
        shapes = pair.torch[0].within(first).shape, pair.keras.within(second).shape
        words = f"{pair.name} {shapes[0]} does not fit into {pair.keras.text} {shapes[1]}"
        if why := self.why(pair):
            return f"{words}: {why}"
        same = math.prod(shapes[0]) == math.prod(shapes[1])
        return f"{words}; {field('layout', pair.name, '...')} says how its axes map" if same else words

    def _settings(self, pair: PairedParameters) -> str:
        """What the layers of a pair are set to otherwise, as far as its shape may come from it, in words."""
        for match in self.pairing.matches:
            if any(tensor.name == pair.torch[0].tensor for tensor in match.torch.tensors):
                if match.torch.call is None or match.keras.call is None:
                    return ""
                parted = parted_settings(*row_of_layers(match.torch.call, match.keras.call))
                of_shape = {name: values for name, values in parted.items() if name not in _NOT_OF_SHAPE}
                words = said_settings(of_shape, self.sides)
                paths = (path for unit in (match.torch, match.keras) for path in unit.paths if path)
                names = " and ".join(dict.fromkeys(paths))
                return f"{f'of {names}, ' if names else ''}{words}" if words else ""
        return ""

    def _size_given(self, pair: PairedParameters) -> str:
        """Where the models begin to have other sizes, in words, where the layer of a pair stands there or behind."""
        search, found = self._sizes
        if found is None:
            return ""
        before = search.lines[: found.place if found.place is not None else found.behind]
        return "" if any(each.aligned.names[TORCH] == pair.layer for each in before) else found.words

    @cached_property
    def _sizes(self) -> tuple[Search, Beginning | None]:
        """The layers of both models, and where they begin to have other sizes."""
        first, second = (self.inventories[side] for side in self.sides)
        matches, training, turned = self.pairing.matches, self.spec.training, self.spec.turned
        lines = aligned(first, second, matches, training=training, turned=turned)
        search = Search(Watched.unmeasured(lines, self.sides), self.inventories, self.sides)
        return search, search.of_another_size()
