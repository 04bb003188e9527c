"""What one side's model is made of, as its process found it: layers, tensors, and what ran when it was called."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.shapes import without_ones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.language.shapes import Shape


@dataclass(frozen=True)
class SeenLayer:
    """A layer of a model by its path there, `block.conv1`; empty for the model itself.

    `call` is the layer as a person would write it, `nn.Linear(in_features=3, out_features=4)`, empty for a class of one's own. A
    `leaf` is looked at as one layer, whatever is in it. `rates` are those at which it drops at random. `frozen` is the method
    of one of Keras's that computes with the weights it was built with, whatever they are set to; mostly there is none.
    """

    name: str
    class_name: str
    call: str
    leaf: bool
    rates: dict[str, float] = field(default_factory=dict)
    frozen: str = ""

    @cached_property
    def tree(self) -> ast.Call | None:
        """The call as a tree; None for a class of one's own."""
        if not self.call:
            return None
        tree = ast.parse(self.call, mode="eval").body
        return tree if isinstance(tree, ast.Call) else None


@dataclass(frozen=True)
class Tensor:
    """A parameter, a buffer or a variable: its path, the layer that holds it and its name there, and whether it is trained.

    `also` are the paths at which the same tensor is found again. `index` is its place among the weights of a Keras model, and
    `called` what Keras itself calls it, `sequential/dense/kernel`. `axes` is what its axes are by the operation that computes
    with it, `h w in out`; empty where none tells, and of Keras's where a row or their sizes do.
    """

    name: str
    layer: str
    own: str
    shape: Shape
    dtype: str
    trained: bool
    buffer: bool
    also: tuple[str, ...] = ()
    index: int = 0
    called: str = ""
    axes: str = ""

    @property
    def real(self) -> bool:
        """Whether it holds real numbers, and no counter or mask."""
        return "float" in self.dtype

    @property
    def sizes(self) -> Shape:
        """The sizes of its axes, whatever their order, without those of length one."""
        return tuple(sorted(without_ones(self.shape)))


@dataclass(frozen=True)
class Event:
    """The call of a layer, or of a function between layers.

    `origin` are the events whose results reached its inputs; `single` what it computed in single precision, and `reached_by` what
    did outside of all layers on the way from those events to its inputs; `place` the line of a person's own file that called it.
    `names` are the parameters of the layer that its inputs went to, and `said` what each is called: an input of the model,
    `~mask`, or `t3`; `text` is what of a result is taken, `[:, -1]`, the widths of a padding, `(1, 0)`, or the rate at which
    `F.dropout` drops. `packed` says that PyTorch's layer was given a packed sequence, `masked` that a mask came with what
    Keras's was given, `causal` that it makes one itself. `lines` are those of a person's files, `/home/me/net.py:12`, that
    computed something since the event before, outside of all layers. Of that `uses` are the places of those uses of
    parameters that reached its inputs, and `calls` the calls of functions, each with its place, `(3, "F.gelu(x)")`. `within`
    is what a layer of a person's own class calls itself.
    """

    index: int
    layer: str | None
    function: str
    origin: tuple[int, ...]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    place: str
    single: tuple[str, ...]
    reached_by: tuple[str, ...] = ()
    text: str = ""
    packed: bool = False
    masked: bool = False
    causal: bool = False
    names: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    uses: tuple[int, ...] = ()
    calls: tuple[tuple[int, str], ...] = ()
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class Use:
    """Parameters that code between layers of PyTorch reads together, and the events whose results it computes with them."""

    reads: tuple[str, ...]
    origin: tuple[int, ...]


@dataclass(frozen=True)
class Output:
    """A tensor of what the model gave: its name there (`0.hidden`, empty for a single one) and the source that gets it.

    `origin` are the events whose results reached it, and on the way `reached_by` is what computed in single precision, `uses`
    what was computed with parameters, and `calls` are the calls of functions with their places.
    """

    name: str
    source: str
    shape: Shape
    dtype: str
    origin: tuple[int, ...]
    reached_by: tuple[str, ...] = ()
    uses: tuple[int, ...] = ()
    calls: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Inventory:
    """Everything that is known of one side's model, and of a call of it.

    `error` is why the call failed, with the layer `at` which it did and the line of a person's own file, `place`; `arguments` is
    what the model is called with, as text, and `parameters` are the names of what it takes. `lines` are those of a person's files
    that computed something behind the last event; `built` says that a Keras model had its weights before it was called, and
    `legacy` that it is one of tf_keras. `straight` has by the place of a call between Keras's layers the event whose result alone
    it was given, as it is.
    """

    class_name: str
    layers: tuple[SeenLayer, ...]
    tensors: tuple[Tensor, ...]
    events: tuple[Event, ...]
    outputs: tuple[Output, ...]
    arguments: str
    error: str = ""
    at: str = ""
    place: str = ""
    parameters: tuple[str, ...] = ()
    built: bool = False
    legacy: bool = False
    lines: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    straight: tuple[int | None, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, SeenLayer]:
        """The layers by their paths."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def tensor(self) -> dict[str, Tensor]:
        """The tensors by all of their paths."""
        return {name: tensor for tensor in self.tensors for name in (tensor.name, *tensor.also)}

    def leaf_of(self, path: str) -> str:
        """The outermost layer on the way to a path that is looked at as one; the path itself where there is none."""
        parts = path.split(".") if path else []
        for count in range(len(parts) + 1):
            layer = self.by_name.get(".".join(parts[:count]))
            if layer is not None and layer.leaf:
                return layer.name
        return path


def reaching(events: Sequence[Event], origin: Iterable[int], known: Collection[int]) -> Iterator[int]:
    """The events among the known ones whose results reach what comes from some events, through whatever is computed between."""
    rest, seen = list(origin), set[int]()
    while rest:
        index = rest.pop(0)
        if index in seen:
            continue
        seen.add(index)
        if index in known:
            yield index
        else:  # a layer that stands beside none, or a function
            rest += events[index].origin


def inventory_of(sent: NDArray[Any]) -> Inventory:
    """The inventory in the bytes that a listing left."""
    data = json.loads(bytes(sent))
    return Inventory(
        class_name=data["class"],
        layers=tuple(
            SeenLayer(
                name=each["name"],
                class_name=each["class"],
                call=each["call"],
                leaf=each["leaf"],
                rates=each["rates"],
                frozen=each.get("frozen", ""),
            )
            for each in data["layers"]
        ),
        tensors=tuple(_tensor(each) for each in data["tensors"] if each["kept"]),
        events=tuple(_event(each) for each in data["events"]),
        outputs=tuple(
            Output(
                name=each["name"],
                source=each["source"],
                shape=tuple(each["shape"]),
                dtype=each["dtype"],
                origin=tuple(each["from"]),
                reached_by=tuple(each["reached_by"]),
                uses=tuple(each["uses"]),
                calls=tuple((place, text) for place, text in each["calls"]),
            )
            for each in data["outputs"]
        ),
        arguments=data["arguments"],
        error=data.get("error", ""),
        at=data.get("at", ""),
        place=data.get("place", ""),
        parameters=tuple(data.get("parameters", ())),
        built=data.get("built", False),
        legacy=data.get("legacy", False),
        lines=tuple(data.get("lines", ())),
        uses=tuple(Use(tuple(each["reads"]), tuple(each["from"])) for each in data["uses"]),
        straight=tuple(data.get("straight", ())),
    )


def _tensor(each: dict[str, Any]) -> Tensor:
    return Tensor(
        name=each["name"],
        layer=each["layer"],
        own=each["own"],
        shape=tuple(each["shape"]),
        dtype=each["dtype"],
        trained=each["trained"],
        buffer=each["kind"] == "buffer",
        also=tuple(each["also"]),
        index=each.get("index", 0),
        called=each.get("called", ""),
        axes=each.get("axes", ""),
    )


def _event(each: dict[str, Any]) -> Event:
    return Event(
        index=each["index"],
        layer=each.get("layer"),
        function=each.get("function", ""),
        origin=tuple(each["from"]),
        inputs=tuple(tuple(shape) for shape in each.get("inputs", ())),
        outputs=tuple(tuple(shape) for shape in each["outputs"]),
        place=each["place"],
        single=tuple(each.get("single", ())),
        reached_by=tuple(each["reached_by"]),
        text=each.get("text", ""),
        packed=each.get("packed", False),
        masked=each.get("masked", False),
        causal=each.get("causal", False),
        names=tuple(each.get("names", ())),
        said=tuple(each.get("said", ())),
        lines=tuple(each.get("lines", ())),
        uses=tuple(each["uses"]),
        calls=tuple((place, text) for place, text in each["calls"]),
        within=tuple(each.get("within", ())),
    )
