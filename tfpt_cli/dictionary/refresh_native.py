"""Write the lists of native calls that a scenario may use: `tfpt_cli/dictionary/native/*.json`.

    python -m tfpt_cli.dictionary.refresh_native torch
    python -m tfpt_cli.dictionary.refresh_native tensorflow

Run it when a framework version is to be supported, and read the diff before committing it: the lists are the
security boundary for scenarios from strangers. A name gets in only through a module named here, and the
exclusions below keep out all that reads, writes, loads, saves, evaluates, calls back or changes global state.
Signatures come from the frameworks themselves: `inspect.signature`, PyTorch's stub files, or the first line of a
docstring for functions written in C.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

TARGET = Path(__file__).parents[2] / "tfpt_cli" / "dictionary" / "native"

# Public names of the modules below that are not pure functions of their arguments.
EXCLUDED = {
    "torch": re.compile(
        # files, memory and other processes; global state; callbacks; printing; in-place and out-of-place aliases
        r"from_file|frombuffer|from_numpy|asarray|as_tensor|.*dlpack.*|set_.*|get_.*|is_.*|seed|manual_seed|initial_seed|"
        r"compile|compiled_.*|vmap|cond|while_loop|.*_scan|segment_reduce|import_.*|fork|wait|load|save|hub|jit|package|"
        r"typename|Generator|.*cudnn.*|.*miopen.*|.*mkldnn.*|.*fbgemm.*|q_.*|quantize.*|fake_quantize.*|"
        r"dequantize|quantized_.*|_.*|autocast_.*|clear_autocast.*|unify_type_list|fused_moving.*|sym_.*|.*_copy|"
        r"result_type|can_cast|promote_types|resize_as_.*|empty.*|native_.*|batch_norm_.*|rand.*|normal|bernoulli|"
        r"multinomial|poisson|binomial|.*dropout.*|fractional_.*|Fractional.*|.*_dropout_|rrelu|gumbel_softmax|.*with_mask|"
        r"detach_|.*_(?<!init_)$|align_tensors|constant_pad_nd|conv_tbc|cross_entropy_.*|handle_torch_function|"
        r"has_torch_function.*|assert_int_or_pair|boolean_dispatch|multi_head_attention_forward|scaled_mm|grouped_mm|"
        r"scaled_grouped_mm|.*Parallel|Module|ModuleList|ModuleDict|ParameterList|ParameterDict|Parameter|Buffer|"
        r"UninitializedParameter|UninitializedBuffer|Container|Lazy.*|.*Dropout.*|RReLU|AdaptiveLogSoftmaxWithLoss|"
        r"as_strided.*|init_num_threads|choose_qparams.*|sparse_.*|unsafe_.*|slice_inverse|hash_tensor|"
        r"SyncBatchNorm|SwapModule|TripletMarginWithDistanceLoss|triplet_margin_with_distance_loss|factory_kwargs"
    ),
    "tensorflow": re.compile(
        # files, serialization, Python callbacks, nested call backs, global state, random draws
        r"map|map_fn|scan|associative_scan|cond|while_loop|fori_loop|switch|vectorized_map|custom_gradient|"
        r"Lambda|TFSMLayer|TorchModuleWrapper|FlaxLayer|JaxLayer|.*Lookup|TextVectorization|Hashing|HashedCrossing|"
        r"Discretization|FeatureSpace|Wrapper|Layer|Random.*|.*Dropout.*|GaussianNoise|"
        r"ActivityRegularization|Pipeline|jvp|vectorize|ctc_decode|LinearOperator.*|RNNCell.*Wrapper|get|serialize|deserialize|Initializer|Loss|Input|InputLayer|InputSpec|"
        r"experimental_dropout|dropout|.*sampled.*|.*candidate_sampler|sampled_softmax_loss|nce_loss|stateless_.*|"
        r"fractional_.*|saved?_.*|AugMix|AutoContrast|Mix.?p|CutMix|Rand.*|MelSpectrogram|STFTSpectrogram|Discretize|"
        r"_.*|is_tensor|convert_to_numpy|unstack_.*|rearrange|RNN|StackedRNNCells|AbstractRNNCell|Solarization|"
        r"with_space_to_batch|compute_.*hits|all_candidate_sampler|safe_embedding.*|embedding_lookup_sparse|"
        r"isotonic_regression|ctc_beam.*|collapse_repeated|dynamic_.*|raw_rnn|shard|MaxNumBoundingBoxes"
    ),
}

TORCH_DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64",
                "complex128", "half", "float", "double", "int", "long"]  # fmt: skip
TF_DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64",
             "complex128"]  # fmt: skip

# Tensor methods and properties: pure functions of the tensor, no in-place twin, no storage, no hook, no NumPy view.
TORCH_METHODS = ["abs", "acos", "acosh", "add", "addmm", "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "argsort", "asin", "asinh", "atan", "atan2", "atanh", "bfloat16", "bmm", "bool", "ceil", "chunk", "clamp", "clamp_max", "clamp_min", "clip", "clone", "contiguous", "copysign", "cos", "cosh", "count_nonzero", "cross", "cummax", "cummin", "cumprod", "cumsum", "deg2rad", "det", "detach", "diag", "diag_embed", "diagonal", "diff", "digamma", "dim", "div", "dot", "double", "eq", "erf", "erfc", "erfinv", "exp", "exp2", "expand", "expand_as", "expm1", "fix", "flatten", "flip", "fliplr", "flipud", "float", "floor", "floor_divide", "fmax", "fmin", "fmod", "frac", "gather", "ge", "gt", "half", "heaviside", "hypot", "index_select", "inner", "int", "inverse", "isclose", "isfinite", "isinf", "isnan", "item", "kron", "ldexp", "le", "lerp", "lgamma", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logcumsumexp", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "log_softmax", "logsumexp", "long", "lt", "masked_fill", "masked_select", "matmul", "matrix_exp", "max", "maximum", "mean", "median", "min", "minimum", "mm", "moveaxis", "movedim", "mul", "mv", "mvlgamma", "nan_to_num", "nanmean", "nanmedian", "nansum", "narrow", "ne", "neg", "new_full", "new_ones", "new_tensor", "new_zeros", "nelement", "nextafter", "norm", "numel", "outer", "permute", "pinverse", "polygamma", "pow", "prod", "qr", "quantile", "rad2deg", "ravel", "reciprocal", "relu", "remainder", "repeat", "repeat_interleave", "reshape", "reshape_as", "roll", "rot90", "round", "rsqrt", "scatter", "scatter_add", "scatter_reduce", "select", "sgn", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "size", "slogdet", "softmax", "sort", "split", "sqrt", "square", "squeeze", "std", "sub", "subtract", "sum", "svd", "swapaxes", "swapdims", "t", "take", "take_along_dim", "tan", "tanh", "tensor_split", "tile", "to", "topk", "trace", "transpose", "tril", "triu", "true_divide", "trunc", "type", "type_as", "unbind", "unflatten", "unfold", "unsqueeze", "unsqueeze", "var", "view", "view_as", "vsplit", "where", "xlogy"]
PROPERTIES = {"torch": ["H", "T", "device", "dtype", "imag", "indices", "mH", "mT", "ndim", "real", "shape", "values"],
              "tensorflow": ["dtype", "indices", "ndim", "shape", "values"]}  # fmt: skip

MATH = ["acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "erf", "exp", "expm1", "floor", "gamma", "hypot", "lgamma",
        "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "sqrt", "tan", "tanh"]  # fmt: skip
MATH_VALUES = [f"{module}.{name}" for module in ("math", "np") for name in ("pi", "e", "inf", "nan")]
NUMPY_VALUES = [f"np.{name}" for name in ("newaxis", "int32", "int64", "bool_")]
# Of Python and NumPy: what makes numbers. `native_rules.yaml` says that it may be given nothing but numbers.
OF_NUMBERS = {
    "abs": "x", "float": "x", "int": "x", "np.arange": "start, stop=None, step=1, dtype=None", "np.array": "object, dtype=None",
    "np.asarray": "object, dtype=None", "np.eye": "N, M=None, k=0, dtype=None", "np.finfo": "dtype",
    "np.full": "shape, fill_value, dtype=None", "np.linspace": "start, stop, num=50, dtype=None", "np.ones": "shape, dtype=None",
    "np.zeros": "shape, dtype=None",
}  # fmt: skip

# What draws random numbers unless it is switched off: `native_rules.yaml` says how, and the check refuses it otherwise.
SWITCHED = {
    *("F.alpha_dropout", "F.dropout", "F.dropout1d", "F.dropout2d", "F.dropout3d", "F.feature_alpha_dropout", "F.rrelu"),
    *("torch.alpha_dropout", "torch.dropout", "torch.feature_alpha_dropout", "torch.feature_dropout", "torch.rrelu"),
    *("nn.AlphaDropout", "nn.Dropout", "nn.Dropout1d", "nn.Dropout2d", "nn.Dropout3d", "nn.FeatureAlphaDropout", "nn.RReLU"),
    *("tf.nn.dropout", "keras.layers.AlphaDropout", "keras.layers.Dropout", "keras.layers.GaussianDropout"),
    *("keras.layers.GaussianNoise", "keras.layers.SpatialDropout1D", "keras.layers.SpatialDropout2D"),
    "keras.layers.SpatialDropout3D",
}
# Classes that PyTorch has for tensors of one dtype, and had before `torch.tensor`.
OLD_TENSORS = ["BoolTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "Tensor"]


def main(framework: str) -> None:
    catalogue = {"torch": torch_catalogue, "tensorflow": tensorflow_catalogue}[framework]()
    for name in MATH:
        catalogue["calls"][f"math.{name}"] = ["*args"]
    catalogue["calls"] |= {name: [signature] for name, signature in OF_NUMBERS.items()}
    catalogue["values"] += MATH_VALUES + NUMPY_VALUES
    for name in ("sqrt", "exp", "log", "float32", "float64"):
        catalogue["calls"][f"np.{name}"] = ["x"]
    lines = ["{"]
    for key in ("prefixes", "aliases", "bare", "values", "properties"):
        lines.append(f" {json.dumps(key)}: {json.dumps(catalogue[key], sort_keys=False)},")
    for key in ("calls", "methods"):
        rows = [
            f"  {json.dumps(name)}: {json.dumps(signatures)}" for name, signatures in sorted(catalogue[key].items())
        ]
        lines.append(f" {json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n }" + ("," if key == "calls" else ""))
    lines.append("}")
    path = TARGET / f"{framework}.json"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(path, len(catalogue["calls"]), "calls,", len(catalogue["methods"]), "methods")


def torch_catalogue() -> dict[str, Any]:
    import torch

    folder = Path(torch.__file__).parent / "_C"
    stubs = {"torch": overloads(folder / "_VariableFunctions.pyi", None), "F": overloads(folder / "_nn.pyi", None)}
    methods = overloads(folder / "__init__.pyi", "TensorBase")
    calls: dict[str, list[str]] = {}
    methods["norm"] = ["self, p='fro', dim=None, keepdim=False, dtype=None"]  # written in Python, and in no stub
    modules = {
        "torch": (
            torch,
            set(stubs["torch"])
            | {
                "tensor",
                "einsum",
                "norm",
                "meshgrid",
                "cdist",
                "split",
                "tensordot",
                "cartesian_prod",
                "block_diag",
                "broadcast_tensors",
                "atleast_1d",
                "atleast_2d",
                "atleast_3d",
                "stft",
                "unique",
                "unravel_index",
                "Size",
            },
        ),
        "F": (torch.nn.functional, None),
        "nn": (
            torch.nn,
            {n for n, v in vars(torch.nn).items() if inspect.isclass(v) and issubclass(v, torch.nn.Module)},
        ),
        "nn.init": (torch.nn.init, {n for n in vars(torch.nn.init) if re.fullmatch("[a-z].*_|calculate_gain", n)}),
        "torch.special": (torch.special, None),
        "torch.linalg": (torch.linalg, None),
        "torch.fft": (torch.fft, None),
    }
    for prefix, (module, names) in modules.items():
        calls |= functions("torch", prefix, module, names, stubs.get(prefix, {}))
    # These take whatever arguments their base class does, and say so only in their text.
    recurrent = calls["nn.RNNBase"][0].removeprefix("mode, ")
    calls["nn.RNN"] = [recurrent.replace("num_layers=1, ", "num_layers=1, nonlinearity='tanh', ")]
    calls["nn.LSTM"] = calls["nn.GRU"] = [recurrent]
    # These choose by `return_indices` between two functions, and what they take is said there.
    for name in ("max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d"):
        calls[f"F.{name}"] = signatures(getattr(torch.nn.functional, f"_{name}"))
    calls |= {f"torch.{name}": ["data"] for name in OLD_TENSORS}
    calls["torch.as_tensor"] = calls["torch.asarray"] = ["data, dtype=None, device=None"]
    calls["torch.from_numpy"] = ["ndarray"]
    calls["torch.finfo"] = calls["torch.iinfo"] = ["type"]
    calls["torch.unique"] = ["input, sorted=True, return_inverse=False, return_counts=False, dim=None"]
    return {
        "prefixes": {"torch.nn.functional.": "F.", "nn.functional.": "F.", "torch.nn.": "nn."},
        "aliases": {},
        "bare": ["nn."],
        "values": [f"torch.{name}" for name in [*TORCH_DTYPES, "pi", "e", "inf", "nan", "newaxis", "strided"]],
        "properties": PROPERTIES["torch"],
        "calls": calls,
        "methods": {
            name: [drop_self(s) for s in methods[name]] for name in sorted(set(TORCH_METHODS)) if name in methods
        },
    }


def tensorflow_catalogue() -> dict[str, Any]:
    import keras
    import tensorflow as tf

    top = ["abs", "acos", "acosh", "add", "add_n", "argmax", "argmin", "argsort", "asin", "asinh", "atan", "atan2", "atanh", "bitcast", "boolean_mask", "broadcast_to", "broadcast_static_shape", "cast", "clip_by_norm", "clip_by_value", "complex", "concat", "constant", "convert_to_tensor", "cos", "cosh", "cumsum", "divide", "eigvals", "eig", "einsum", "ensure_shape", "equal", "exp", "expand_dims", "eye", "fill", "floor", "gather", "gather_nd", "greater", "greater_equal", "histogram_fixed_width", "identity", "less", "less_equal", "linspace", "logical_and", "logical_not", "logical_or", "matmul", "matrix_square_root", "maximum", "meshgrid", "minimum", "multiply", "negative", "norm", "not_equal", "one_hot", "ones", "ones_like", "pad", "pow", "range", "rank", "realdiv", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse", "reverse_sequence", "roll", "round", "saturate_cast", "scalar_mul", "scatter_nd", "searchsorted", "sequence_mask", "shape", "sigmoid", "sign", "sin", "sinh", "size", "slice", "sort", "split", "sqrt", "square", "squeeze", "stack", "stop_gradient", "strided_slice", "subtract", "switch_case", "tan", "tanh", "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min", "tensor_scatter_nd_update", "tensordot", "tile", "transpose", "truncatediv", "truncatemod", "unique", "unstack", "where", "zeros", "zeros_like"]
    modules = {
        "tf": (tf, set(top) - {"switch_case"}),
        "tf.math": (tf.math, None),
        "tf.nn": (tf.nn, None),
        "tf.linalg": (tf.linalg, None),
        "tf.signal": (tf.signal, None),
        "tf.math.special": (tf.math.special, None),
        "tf.image": (tf.image, {"resize"}),
        "tf.experimental.numpy": (tf.experimental.numpy, {"atleast_1d", "atleast_2d", "atleast_3d", "matmul", "sinc", "vstack"}),
        "keras.ops": (keras.ops, None),
        "keras.ops.image": (keras.ops.image, {"map_coordinates", "resize"}),
        "keras.activations": (keras.activations, None),
        "keras.layers": (keras.layers, None),
        "keras.initializers": (
            keras.initializers,
            set(vars(keras.initializers)) - {"get", "serialize", "deserialize", "Initializer"},
        ),
        "keras.losses": (keras.losses, None),
    }
    calls: dict[str, list[str]] = {}
    for prefix, (module, names) in modules.items():
        calls |= functions("tensorflow", prefix, module, names, {})
    calls["keras.backend.epsilon"] = calls["keras.config.epsilon"] = [""]
    calls["keras.random.SeedGenerator"] = ["seed=None"]
    calls["keras.Sequential"] = ["layers=None, trainable=True, name=None"]
    return {
        "prefixes": {"tf.keras.": "keras.", "tf.losses.": "keras.losses.", "tf.initializers.": "keras.initializers."},
        "aliases": aliases(calls),
        "bare": ["keras.layers.", "keras.initializers."],
        "values": [f"tf.{name}" for name in [*TF_DTYPES, "newaxis"]],
        "properties": PROPERTIES["tensorflow"],
        "calls": calls,
        "methods": {},
    }


def aliases(calls: dict[str, list[str]]) -> dict[str, str]:
    """The further names that a function of `keras.losses` has elsewhere, such as `tf.keras.losses.mse`."""
    import keras
    import tensorflow as tf

    names = {id(getattr(keras.losses, name)): name for name in vars(keras.losses) if f"keras.losses.{name}" in calls}
    modules = {
        "tf.losses": tf.losses, "tf.keras.losses": tf.keras.losses, "tf.metrics": tf.metrics,
        "tf.keras.metrics": tf.keras.metrics, "keras.metrics": keras.metrics,
    }
    return {
        f"{module}.{alias}": f"keras.losses.{name}"
        for module, held in modules.items()
        for alias in dir(held)
        if (name := names.get(id(getattr(held, alias)))) and (alias != name or "metrics" in module)
    }


def functions(
    framework: str, prefix: str, module: ModuleType, names: set[str] | None, stubs: dict[str, list[str]]
) -> dict[str, list[str]]:
    """The callables of a module that may be used, by full name, with their signatures."""
    found = {}
    for name in sorted(names if names is not None else vars(module)):
        value = getattr(module, name, None)
        allowed = prefix in {"nn.init", "keras.initializers"} or f"{prefix}.{name}" == "torch.linalg.cond"  # no torch.cond
        allowed = allowed or f"{prefix}.{name}" in SWITCHED
        if EXCLUDED[framework].fullmatch(name) and not allowed:
            continue
        if not callable(value) or inspect.ismodule(value):
            continue
        home = getattr(value, "__module__", None) or ""
        if names is None and (home == "typing" or home.startswith(("torch.types", "torch._jit", "torch.overrides"))):
            continue
        if (
            framework == "torch"
            and prefix in {"F", "torch.special", "torch.linalg", "torch.fft"}
            and inspect.isclass(value)
        ):
            continue
        found[f"{prefix}.{name}"] = [pure(s) for s in of_python(value) or with_defaults(stubs.get(name, []), value) or signatures(value)]
        if prefix == "keras.layers":
            recurrent = isinstance(value, type) and any(base.__name__ == "RNN" for base in value.__mro__)
            found[f"{prefix}.{name}"] = [layer_options(s, recurrent=recurrent) for s in found[f"{prefix}.{name}"]]
    return found


def of_python(value: Any) -> list[str]:
    """The signature of a function written in Python, which says its defaults; none of one that passes everything on."""
    found = signatures(value) if isinstance(value, FunctionType) and not hasattr(value, "__wrapped__") else []
    return [] if any("*args" in signature for signature in found) else found


def with_defaults(stubs: list[str], value: Any) -> list[str]:
    """Stub signatures with the defaults that the documentation gives: a stub says `...` for most of them."""
    documented = {}
    for parameter in (part for signature in signatures(value) for part in signature.split(", ") if "=" in part):
        name, _, default = parameter.partition("=")
        documented[name] = default
    return [
        ", ".join(
            f"{part[:-4]}={documented[part[:-5]]}" if part.endswith("=None") and part[:-5] in documented else part
            for part in stub.split(", ")
        ).replace("==", "=")
        for stub in stubs
    ]


def pure(signature: str) -> str:
    """The signature without `out`, which writes into an argument, and `generator`, which no scenario can have."""
    kept = [part for part in signature.split(", ") if part not in ("out=None", "generator=None")]
    return ", ".join(kept[:-1] if kept and kept[-1] == "*" else kept)


def layer_options(signature: str, *, recurrent: bool = False) -> str:
    """The signature with `**kwargs` spelled out as what `keras.layers.Layer` takes from it, so that a typing error shows.

    A recurrent layer hands it to `keras.layers.RNN` first.
    """
    if not signature.endswith("**kwargs"):
        return signature
    options = {"trainable": "True", "dtype": "None", "autocast": "True", "name": "None", "input_shape": "None"}
    if recurrent:
        options = {"zero_output_for_mask": "False", **options}
    given = {part.split("=")[0].strip() for part in signature.split(",")}
    extra = ", ".join(f"{name}={default}" for name, default in options.items() if name not in given)
    return signature.replace("**kwargs", extra if "*" in given or "*args" in given else f"*, {extra}")


def signatures(value: Any) -> list[str]:
    try:
        return [text(inspect.signature(value))]
    except (ValueError, TypeError):
        pass
    documented = []
    for match in re.finditer(
        r"^\s*(?:\.\. function:: )?(?:\w+\.)*\w+\((?P<parameters>.*)\)\s*->", value.__doc__ or "", re.MULTILINE
    ):
        try:
            tree = ast.parse(f"def f({match['parameters']}): ...").body[0]
        except SyntaxError:
            continue
        documented.append(plain(tree.args))  # type: ignore[attr-defined]
    return documented or ["*args, **kwargs"]


def text(signature: inspect.Signature) -> str:
    parameters = []
    for parameter in signature.parameters.values():
        default = parameter.default
        if default is not parameter.empty and not isinstance(default, (int, float, str, bool, type(None), tuple)):
            default = None
        parameters.append(parameter.replace(annotation=parameter.empty, default=default))
    return str(inspect.Signature(parameters))[1:-1]


def overloads(path: Path, owner: str | None) -> dict[str, list[str]]:
    """The signatures of every function of a stub file (of a class in it), annotations dropped."""
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    if owner is not None:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    found: dict[str, list[str]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            signature = plain(node.args)
            if signature not in found.setdefault(node.name, []):
                found[node.name].append(signature)
    return found


def plain(arguments: ast.arguments) -> str:
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    arguments.defaults = [simple(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and simple(default) for default in arguments.kw_defaults]
    return ast.unparse(arguments)


def simple(default: ast.expr) -> ast.expr:
    return (
        default
        if isinstance(default, (ast.Constant, ast.UnaryOp)) and "..." not in ast.unparse(default)
        else ast.Constant(None)
    )


def drop_self(signature: str) -> str:
    return re.sub(r"^self(, /)?(, )?", "", signature)


if __name__ == "__main__":
    importlib.invalidate_caches()
    main(sys.argv[1])
