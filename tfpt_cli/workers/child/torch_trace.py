"""What a listing of PyTorch finds out of a module: its layers, its tensors, and what runs when it is called."""

from __future__ import annotations

import inspect
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Callable, Iterator

import torch
import traces
from axes import ELEMENTWISE, Axes, of_function
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence
from torch.overrides import TorchFunctionMode, resolve_name

# Functions whose derivative has a number in single precision, whatever they are given: 1/6, which is 5e-9 off.
_SINGLE = {"hardsigmoid", "hardsigmoid_"}
# Functions that are no events: what they give is a part of what they are given, or the same.
_NO_EVENT = ("__get__", "requires_grad_", "detach")
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(value, torch.Tensor)


def own_class(module: nn.Module) -> type:
    """The class of PyTorch that a module is of, its own or the nearest above it; `nn.Module` where it is a person's own."""
    kinds = (kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn"))
    return next(kind for kind in kinds if kind.__module__ != "torch.nn.utils.parametrize")


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is looked at as one layer: one of PyTorch's own, or one without modules in it."""
    composed = isinstance(module, _CONTAINERS) or "Transformer" in own_class(module).__name__
    return not composed and (own_class(module) is not nn.Module or not any(module.children()))


def settings_of(module: nn.Module) -> dict[str, Any]:
    """What a module of PyTorch was made with, as far as it keeps that."""
    found = {}
    for name, parameter in inspect.signature(own_class(module)).parameters.items():
        if name in ("self", "device", "dtype", "args", "kwargs") or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        value = getattr(module, name, None if name != "bias" else getattr(module, "in_proj_bias", None))
        if name == "bias" and (value is None or is_tensor(value)):
            value = value is not None
        if not hasattr(module, name) and name != "bias":
            continue
        if name == "bias" and not (getattr(module, "elementwise_affine", True) and getattr(module, "affine", True)):
            continue  # said by the other setting
        if name in ("kdim", "vdim") and value == getattr(module, "embed_dim", None):
            continue
        value = traces.plain_size(name, tuple(value) if isinstance(value, torch.Size) else value)
        if parameter.default is parameter.empty or value != parameter.default:
            found[name] = value
    if isinstance(module, nn.RNNBase):  # its signature says only *args
        wanted = (
            "input_size",
            "hidden_size",
            "num_layers",
            "bias",
            "batch_first",
            "dropout",
            "bidirectional",
            "nonlinearity",
        )
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        found = {n: getattr(module, n) for n in wanted if hasattr(module, n) and getattr(module, n) != usual.get(n)}
        if found.get("nonlinearity") == "tanh":
            del found["nonlinearity"]
    return found


def call_of(module: nn.Module) -> str:
    """A module of PyTorch as a person would write it, `nn.Linear(in_features=3, out_features=4)`; empty for one's own class."""
    kind = own_class(module)
    if kind is nn.Module:
        return ""
    text = str(traces.written_call("nn." + kind.__name__, settings_of(module)))
    for name, parts in getattr(module, "parametrizations", {}).items() if is_parametrized(module) else ():
        for part in parts:
            function = _PARAMETRIZATIONS.get(type(part).__name__)
            if function is None:
                own = traces.Source(type(part).__name__ + "(...)")
                text = "nn.utils.parametrize.register_parametrization({}, {!r}, {})".format(text, name, own)
            else:
                of = "" if name == "weight" else ", name={!r}".format(name)
                text = "nn.utils.parametrizations.{}({}{})".format(function, text, of)
    return text


# The functions that compute a parameter of a layer out of others, by the classes with which PyTorch does it.
_PARAMETRIZATIONS = {"_SpectralNorm": "spectral_norm", "_WeightNorm": "weight_norm", "_Orthogonal": "orthogonal"}


def _in_single(function: str, tensors: list[Any]) -> bool:
    """Whether a function computes in single precision what is double before or behind it."""
    dtypes = {tensor.dtype for tensor in tensors}
    if torch.float64 not in dtypes:
        return False
    narrow = [tensor for tensor in tensors if tensor.dtype == torch.float32]
    return function in _SINGLE or any(
        tensor.layout != torch.strided or traces.rounds(tensor.detach().cpu().numpy()) for tensor in narrow
    )


@lru_cache(maxsize=None)
def _named(function: Any) -> tuple[str, inspect.Signature | None]:
    """A function as a person names it, `F.gelu`, and its signature where it has one that Python knows."""
    name = (resolve_name(function) or getattr(function, "__name__", "function")).replace("torch.nn.functional.", "F.")
    name = name.replace("torch.functional.", "torch.")
    # `F.max_pool2d` chooses between two functions, and says its own parameters in neither: the one without indices does.
    chosen = getattr(nn.functional, name.replace("F.", "_"), function) if name.startswith("F.") else function
    try:
        return name, inspect.signature(chosen)
    except (TypeError, ValueError):  # one that is not written in Python
        return name, None


def _call_of_function(function: Any, args: Any, kwargs: Any) -> str:
    """A function as a person would call it, `F.gelu(x, approximate='tanh')`."""
    name, signature = _named(function)
    if name == "torch.Tensor.__getitem__":
        return "x" + (traces.index_text(args[1]) or "[...]")
    return str(traces.written_function(name, signature, args, kwargs, is_tensor))


class Watch(TorchFunctionMode):  # type: ignore[misc]
    """Notes every call of a layer, and every function that is called between layers, in their order."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names = {id(module): name for name, module in model.named_modules()}
        self.leaf = {id(module): is_leaf(module) for module in model.modules()}
        self.own = {id(module) for module in model.modules() if own_class(module) is nn.Module}
        self.within: list[str] | None = (
            None  # what is called in the layer that runs, where it is of a person's own class
        )
        self.events: list[dict[str, Any]] = []
        self.results: list[Any] = []
        self.given: list[list[Any]] = []
        self.origins = traces.Origins()
        self.handed: dict[int, tuple[Any, Any]] = {}  # copies that were handed on, each with the tensor that was noted
        # Views that a layer was given in the place of tensors, each with that tensor and how often it had been overwritten.
        self.entered: dict[int, tuple[Any, Any, int]] = {}
        self.uses: list[dict[str, Any]] = []  # what code between layers computed with parameters
        for name, tensor in model.named_parameters():
            if not is_leaf(model.get_submodule(name.rpartition(".")[0])):
                self.origins.put([tensor], frozenset([traces.Read(name)]))
        self.axes = Axes()
        # The parameters by where their numbers lie, and what was computed of their numbers one by one: a view lies there too.
        self.lying: dict[int, tuple[str, Any]] = {}
        self.inside: list[str] = []  # the layers that are running, the outermost first
        self.running = 0  # how many of them are looked at as one layer
        self.single: set[str] = set()  # what computed in single precision in the layer that runs

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = traces.tensors_in(result, is_tensor)
        if not made:
            return result
        given = traces.tensors_in([args, kwargs or {}], is_tensor)
        called = getattr(func, "__name__", str(func))
        if self.lying:
            self.computed(called, args, kwargs or {}, made)
        # What a layer of PyTorch's own keeps, such as a running variance, has the numbers of the other side's.
        own = not self.running or self.within is not None
        kept = own and any(
            traces.kept_in_single(tensor.detach().cpu().numpy())
            for tensor in self.origins.constants(given)
            if tensor.dtype == torch.float64 and tensor.layout == torch.strided and not tensor.requires_grad
            and not isinstance(tensor, nn.Parameter)
        )  # fmt: skip
        narrow = {called} if kept or _in_single(called, [*given, *made]) else set()
        origin = self.origins.of(given)
        if self.running:
            self.single |= narrow
            self.origins.put([t for t in made if not any(t is g for g in given)], origin)
            if self.within is not None and called not in _NO_EVENT:
                self.within.append(_call_of_function(func, args, kwargs or {}))
            return result
        before, origin = self.origins.described(given), self.used(given) | narrow
        if called not in _NO_EVENT:
            origin |= {traces.Called(len(self.events), _call_of_function(func, args, kwargs or {}))}
        self.overwritten(given, made)
        self.origins.put(made, origin)
        self.origins.negated(called, given, made)
        if called not in _NO_EVENT:
            place = traces.place()
            event = dict(before, function=called, place=place, lines=[place] if place else [], single=sorted(narrow))
            if called == "__getitem__":
                event["text"] = traces.index_text(args[1])
            elif called == "pad" and len(args) > 1 and (kwargs or {}).get("mode", "constant") == "constant":
                event["text"] = str(tuple(args[1]))
            elif called == "dropout" and (kwargs or {}).get("training", True):
                event["text"] = str(float((kwargs or {}).get("p", 0.5)) or "")
            self.note(event, given, made)
        return result

    def computed(self, called: str, args: Any, kwargs: Any, made: list[Any]) -> None:
        """Notes what the axes of a parameter are by a function that computes with it, or with what was computed of it."""
        with suppress(Exception):  # what `torch.func` hands on lies nowhere, and a call may be wrong
            for given in args if ELEMENTWISE.fullmatch(called) else ():
                name, parameter = self.lying.get(given.data_ptr(), ("", given)) if is_tensor(given) else ("", given)
                if name and given.shape == parameter.shape == made[0].shape and given.stride() == parameter.stride():
                    self.lying[made[0].data_ptr()] = name, made[0]
            for weight, axes in of_function(called, args, kwargs):
                name, parameter = self.lying.get(weight.data_ptr(), ("", weight))
                places = _places(parameter, weight)
                if name and places is not None:
                    self.axes.note(name, ["1" if place is None else axes[place] for place in places])

    def used(self, given: list[Any]) -> frozenset[Any]:
        """The origins of what a function makes of tensors; that it reads parameters beside something else is noted as a use."""
        origin, reads = self.origins.of(given), self.origins.reads(given)
        if all(self.origins.reads([tensor]) for tensor in given) or not reads:
            return frozenset(origin)
        return frozenset(self.origins.used(given, self.uses))

    def note(self, event: dict[str, Any], given: list[Any], made: list[Any]) -> int:
        """Notes an event with the tensors that it was given and that it gave; gives its number."""
        index = len(self.events)
        shapes = {"inputs": [list(t.shape) for t in given], "outputs": [list(t.shape) for t in made]}
        self.events.append(dict({"place": traces.place()}, **dict(event, index=index, **shapes)))
        self.results.append(made)
        self.given.append(given)
        return index

    def before(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Notes that a layer begins, and gives it views of its inputs.

        So the gradient by an input is that of the layer, though another input may be computed of the same tensor.
        """
        self.inside.append(self.names[id(module)])
        if not self.leaf[id(module)]:
            return None
        self.running += 1
        if self.running > 1:
            return None
        self.within, self.entered = None, {}
        views: dict[int, Any] = {}

        def viewed(value: Any) -> Any:
            if type(value) is tuple:  # a list or a dict may be one that the layer changes
                return tuple(map(viewed, value))
            if not is_tensor(value) or not value.requires_grad or value.layout != torch.strided:
                return value
            if id(value) not in views:
                view = views[id(value)] = value.view_as(value)
                self.entered[id(view)] = view, value, value._version
            return views[id(value)]

        given = viewed(args), {name: viewed(value) for name, value in kwargs.items()}
        self.single, self.within = set(), [] if id(module) in self.own else None
        return given

    def given_to(self, tensor: Any) -> tuple[Any, Any]:
        """The tensor that a layer was given in whose place it had a view, and what its gradient is by.

        That is the view; where the layer has overwritten it, what was noted of the tensor.
        """
        view, original, version = self.entered.get(id(tensor), (tensor, tensor, -1))
        noted = self.handed.get(id(original), (original, original))[1]
        return original, view if version == original._version else noted

    def overwritten(self, given: list[Any], made: list[Any]) -> None:
        """Takes what was overwritten, `nn.ReLU(inplace=True)` or `x += y`, no longer for the tensor that was noted."""
        for tensor in made:
            if any(tensor is each for each in given):
                self.handed.pop(id(tensor), None)

    def after(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Notes the call of a layer, and hands a copy of its result on: the next layer may overwrite what it is given."""
        self.inside.pop()
        if not self.leaf[id(module)]:
            return None
        within, self.within = self.within or [], None  # what is called from here on is tfpt's own
        copies = [] if self.running > 1 else [tensor.clone() for tensor in traces.tensors_in(output, is_tensor)]
        self.running -= 1
        if self.running:
            return None
        named = traces.named_tensors(inspect.signature(module.forward), args, kwargs, is_tensor)
        given, made = [self.given_to(t)[1] for _, t in named], traces.tensors_in(output, is_tensor)
        self.overwritten([tensor for _, tensor in named], made)
        for _, original, version in self.entered.values():
            if original._version != version:
                self.handed.pop(id(original), None)
        named = [(name, self.given_to(t)[0]) for name, t in named]
        event = {
            "layer": self.names[id(module)],
            "single": sorted(self.single),
            "within": within,
            **self.origins.described([tensor for _, tensor in named]),
            "names": [name for name, _ in named],
            "said": self.origins.said([tensor for _, tensor in named], "t"),
        }
        if args and isinstance(args[0], PackedSequence):  # looked at with its padding, as the other framework has it
            first = getattr(module, "batch_first", False)
            padded = [pad_packed_sequence(packed, batch_first=first)[0] for packed in (args[0], output[0])]
            self.origins.put(made, frozenset([len(self.events)]))
            given, made = padded[:1], padded[1:]
            event.update(packed=True, names=event["names"][:1], said=event["said"][:1])
            copies = []
        index = self.note(event, given, made)
        self.origins.put([*made, *copies], frozenset([index]))
        if not copies:
            return None
        self.handed.update({id(copy): (copy, made[place]) for place, copy in enumerate(copies)})
        return traces.replaced(output, is_tensor, iter(copies))


def _places(parameter: Any, view: Any) -> list[int | None] | None:
    """For each axis of a parameter that of a view of it, None for one of length one; None where it is no view of all of it."""
    where = {(size, stride): axis for axis, (size, stride) in enumerate(zip(view.shape, view.stride())) if size != 1}  # noqa: B905
    own = [(size, stride) for size, stride in zip(parameter.shape, parameter.stride())]  # noqa: B905 - Python 3.9
    if any(each not in where for each in own if each[0] != 1) or view.numel() != parameter.numel():
        return None
    return [where.get(each) for each in own]


@contextmanager
def watched(model: nn.Module) -> Iterator[Watch]:
    """A watch over a model: within the block its layers and functions are noted."""
    watch = Watch(model)
    hooks = [
        hook
        for module in model.modules()
        for hook in (
            module.register_forward_pre_hook(watch.before, with_kwargs=True),
            module.register_forward_hook(watch.after, with_kwargs=True),
        )
    ]
    try:
        with watch:
            yield watch
    finally:
        for hook in hooks:
            hook.remove()


def check(model: Any) -> None:
    """Raises `TypeError` for what is no module."""
    if not isinstance(model, nn.Module):
        raise TypeError(traces.no_model(model, "an nn.Module"))


def inspected(model: Any, given: Any, training: bool = False, **inputs: Any) -> Any:
    """Everything that is known of a model, and of a call of it, as `traces.sent` packs it.

    `given` are the inputs by name, or a function that calls the model with `inputs`. It is in its mode of `training` already.
    """
    del training
    check(model)
    found: dict[str, Any] = {"class": type(model).__name__, "layers": _layers(model), "tensors": _tensors(model)}
    parameters = list(inspect.signature(model.forward).parameters)
    places, names, text = traces.arguments(given, parameters) if isinstance(given, dict) else ([], {}, "")
    found.update(arguments=text, parameters=parameters)
    output = None
    with watched(model) as watch:
        strided = ((name, t) for name, t in model.named_parameters() if t.layout == torch.strided)
        watch.lying = {tensor.data_ptr(): (name, tensor) for name, tensor in strided}
        for name, tensor in inputs.items():
            watch.origins.name(tensor, name)
        try:
            output = model(*places, **names) if isinstance(given, dict) else given()
        except (Exception, SystemExit) as error:
            found.update(error=traces.said(error), at=watch.inside[-1] if watch.inside else "")
            found["place"] = traces.raised_at(error)
    for tensor in found["tensors"]:
        tensor["axes"] = watch.axes.of(tensor["name"]) or _axes_in(model.get_submodule(tensor["layer"]), tensor["own"])
    found["events"], found["uses"] = watch.events, watch.uses
    traces.add_outputs(
        found, output, is_tensor, lambda tensor: str(tensor.dtype).replace("torch.", ""), watch.origins.described
    )
    return traces.sent(found)


def _axes_in(module: nn.Module, own: str) -> str:
    """The axes of a parameter of a layer of PyTorch's own which computes with it where no function is seen to."""
    linear = isinstance(module, nn.Linear) and own == "weight"
    inside = isinstance(module, (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)) and "weight" in own
    return "out in" if linear or inside else ""


def own_weights(model: nn.Module) -> dict[str, Any]:
    """The model's own parameters and buffers of real numbers, by name, as NumPy arrays."""
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}


def _layers(model: nn.Module) -> list[dict[str, Any]]:
    found = []
    for name, module in model.named_modules():
        found.append(
            {
                "name": name,
                "class": type(module).__name__ if not is_parametrized(module) else type(module).__bases__[0].__name__,
                "call": call_of(module),
                "leaf": is_leaf(module),
                "rates": _rates(module),
            }
        )
    return found


def _rates(module: nn.Module) -> dict[str, float]:
    """The rates at which a module drops at random, by what it calls them."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return {"rate": float(module.p)}
    between = not isinstance(module, nn.RNNBase) or module.num_layers > 1  # of a single layer there is nothing between
    rate = getattr(module, "dropout", None)
    return {"dropout": float(rate)} if between and isinstance(rate, (int, float)) else {}


def _tensors(model: nn.Module) -> list[dict[str, Any]]:
    """Parameters and buffers, each once, with the further names of those that several layers share."""
    kept = set(model.state_dict(keep_vars=True))
    found: dict[int, dict[str, Any]] = {}
    for kind, named in (
        ("parameter", model.named_parameters(remove_duplicate=False)),
        ("buffer", model.named_buffers(remove_duplicate=False)),
    ):
        for name, tensor in named:
            if id(tensor) in found:
                found[id(tensor)]["also"].append(name)
                continue
            layer, _, own = name.rpartition(".")
            found[id(tensor)] = {
                "name": name,
                "layer": layer,
                "own": own,
                "kind": kind,
                "shape": list(tensor.shape),
                "dtype": str(tensor.dtype).replace("torch.", ""),
                "trained": bool(tensor.requires_grad),
                "kept": name in kept,
                "also": [],
            }
    return list(found.values())


class Captured:
    """A call of a model: its output, and the tensors at all of its events."""

    def __init__(self, watch: Watch, output: Any) -> None:
        self.output, self._watch = output, watch

    def given(self, event: int, place: int) -> Any:
        """What the layer at an event was given, by its place among its tensors."""
        return self._watch.given[event][place]

    def made(self, event: int) -> Any:
        """What an event gave, the first of it."""
        return self._watch.results[event][0]

    def gradients(self, loss: Any, events: list[int]) -> list[Any]:
        """The gradient of a loss by what each event gave; None where it does not depend on it."""
        return _gradients(loss, [self.made(event) for event in events])

    def pulled(self, first: int, last: int, place: int, weights: Any) -> Any:
        """The gradient of what event `last` gave, times weights, by what event `first` was given; None where there is none."""
        return None if weights is None else _gradients(self.made(last), [self.given(first, place)], weights)[0]


def _gradients(of: Any, by: list[Any], weights: Any = None) -> list[Any]:
    """The gradients of a tensor, times weights, by others, in one walk back; None by one that it does not depend on."""
    connected = [tensor for tensor in by if tensor.requires_grad] if of.requires_grad else []
    found = torch.autograd.grad(of, connected, weights, retain_graph=True, allow_unused=True) if connected else ()
    of_each = {id(tensor): found[place] for place, tensor in enumerate(connected)}
    return [of_each.get(id(tensor)) for tensor in by]


def captured(model: nn.Module, call: Callable[[], Any]) -> Captured:
    """A call of a model, with the tensors of all its events."""
    with watched(model) as watch:
        output = call()
    return Captured(watch, output)
