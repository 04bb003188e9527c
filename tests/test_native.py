"""Native code in a scenario: what may be called, and that nothing else can be reached by any spelling."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.native import check_native
from tfpt_cli.language.expression import parse

FORBIDDEN = {
    "torch": """
        torch.load('x') torch.save(x,'x') torch.hub.load('x','y') torch.utils.cpp_extension.load('x') torch.from_file('x')
        torch.jit.load('x') torch.compile(x) torch.ops.aten.add(x,x) torch._C._jit_init() torch.set_default_dtype(x)
        torch.manual_seed(0) torch.classes.load_library('x') torch.serialization.load('x') torch.os.system('x')
        torch.nn.modules.module.torch.load('x') nn.Module() nn.functional.torch.load('x') nn.init.torch.load('x')
        F.torch.load('x') F.__builtins__ F._load('x') np.load('x') np.fromfile('x') np.os.system('x') np.lib.npyio.load('x')
        math.__loader__ x.numpy() x.data_ptr() x.storage() x.register_hook(x) x.apply_(x) x.map_(x,x) x.tofile('x') x.cpu()
        x.__reduce__() x.T.__class__ x.detach().__dict__ open('x') eval('1') exec('1') getattr(x,'y') globals() vars() dir()
        print(x) input() breakpoint() compile('1','','eval') __import__('os') os.system('x') torch['load']('x')
        (torch.exp).__globals__ torch.exp.__self__ nn.Linear.__init__(x) nn.Linear(3,4).register_forward_hook(x)
        nn.Linear(3,4).load_state_dict(x) torch.vmap(torch.exp)(x) torch.func.grad(torch.exp)(x) torch.package.x.y(x)
        keras.models.load_model('x') tf.io.read_file('x') np.array(x) np.array([x]) np.array([1],dtype='O') np.array('x')
        np.array([1.0]).tofile('x') np.array([1.0]).view('O') np.zeros(2).dump('x') np.array([1.0]).sum() np.memmap('x')
        np.loadtxt('x') np.ones(x) np.frombuffer('x') float(x) float('1') int(x) int('7') str(x) x.eval() x.train() F.relu.eval()
        torch.Tensor(3) torch.FloatTensor(3) torch.LongTensor(x) torch.FloatTensor('x') torch.finfo('x').__class__
        nn.Dropout(0.5)(x) nn.Dropout(0.5).train()(x) nn.Sequential(nn.Dropout(0.5))(x) nn.RReLU()(x) F.dropout(x)
        nn.Linear(3,4).eval().register_forward_hook(x) nn.Linear(3,4).eval('x')(x) nn.Linear(3,4).train(x)(x)
        x.dtype.__class__ x.dtype.type x.values x.device.__class__ torch.empty(3) x.new_empty(3) torch.asarray(x).numpy()
    """,
    "tensorflow": """
        tf.io.read_file('x') tf.io.write_file('x','y') tf.py_function(x,x,x) tf.numpy_function(x,x,x) tf.function(x)
        tf.print(x) tf.load_op_library('x') tf.load_library('x') tf.saved_model.load('x') tf.raw_ops.ReadFile(filename='x')
        tf.keras.models.load_model('x') keras.models.load_model('x') keras.saving.load_model('x') keras.utils.get_file('x')
        keras.layers.Lambda(x) keras.layers.TFSMLayer('x') keras.layers.TextVectorization(vocabulary='x')
        keras.layers.StringLookup(vocabulary='x') keras.layers.deserialize('x') keras.initializers.deserialize('x')
        keras.activations.deserialize('x') keras.activations.get('x') keras.ops.map(x,x) keras.ops.scan(x,x)
        keras.ops.vectorized_map(x,x) keras.ops.cond(x,x,x) keras.ops.custom_gradient(x) keras.ops.while_loop(x,x,x)
        tf.map_fn(x,x) tf.while_loop(x,x,x) tf.cond(x,x,x) tf.compat.v1.py_func(x,x,x) tf.autograph.x tf.config.x(x)
        tf.summary.x(x) tf.debugging.x(x) tf.data.Dataset.from_generator(x) tf.io.gfile.GFile('x') tf.os.system('x')
        keras.src.utils.file_utils.x('y') keras.ops.core.x(x) keras.config.set_floatx('x') x.numpy() x.__class__
        open('x') eval('1') __import__('os') tf.exp.__globals__ keras.layers.Dense(4).save_own_variables(x)
        keras.layers.Dense(4).get_config() torch.load('x') tf.linalg.LinearOperator(x) keras.random.normal(3)
        keras.losses.get('x') keras.losses.get(x) keras.losses.get({}) keras.activations.get('keras.models.load_model')
        keras.activations.get('__class__') keras.losses.get('deserialize') keras.losses.get('Loss') keras.layers.get('relu')
        keras.layers.Dropout(0.5)(x,training=True) keras.layers.Dropout(0.5)(x,True) tf.nn.dropout(x,0.5)
        np.array(x) np.array([1],dtype='O') tf.float32.__class__ tf.float32.as_numpy_dtype x.dtype.as_numpy_dtype
        keras.backend.set_floatx('x') keras.backend.clear_session() keras.config.enable_unsafe_deserialization()
    """,
}


@pytest.mark.parametrize(
    ("framework", "text"), [(framework, text) for framework, texts in FORBIDDEN.items() for text in texts.split()]
)
def test_nothing_that_reads_writes_loads_evaluates_or_calls_back(framework: str, text: str) -> None:
    tree, complaints = parse(text)
    assert complaints or check_native(tree, framework, {"x"}), text  # type: ignore[arg-type]


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_no_name_in_the_lists_sounds_like_it(framework: str) -> None:
    suspicious = ("load", "save", "file", "read_", "write", "py_func", "eval", "exec", "hub", "serialize", "config", "print",
                  "compile", "hook", "register", "import", "map_fn", "callback", "storage", "data_ptr", "set_")  # fmt: skip
    names = [*native(framework).calls, *native(framework).methods]
    harmless = {"F.huber_loss", "keras.losses.huber", "tf.linalg.set_diag"}
    assert {name for name in names if any(word in name.rsplit(".", 1)[-1] for word in suspicious)} <= harmless


@pytest.mark.parametrize(
    ("framework", "text"),
    [
        ("torch", "F.softplus(x, beta=2)"),
        ("torch", "torch.nn.functional.softplus(x)"),
        ("torch", "nn.Softplus(beta=2)(x)"),
        ("torch", "x.detach().sum(dim=0).T"),
        ("torch", "torch.sum(x, dim=1, keepdim=True) / math.sqrt(2)"),
        ("torch", "x.to(torch.float64)"),
        ("torch", "x[:, None] + np.array([1.0, 2.0], dtype=np.float32)[np.newaxis]"),
        ("torch", "torch.where((x > float('-inf')) & ~(x < 0) | (x == 1), x, torch.finfo(torch.float32).min)"),
        ("torch", "F.dropout(x, 0.5, training=False) + nn.Dropout(0.0)(x) + nn.BatchNorm1d(3).eval()(x)"),
        ("torch", "torch.LongTensor([1, 0]) + x.new_zeros(2) + x.new_tensor([1.0, 2.0])"),
        ("tensorflow", "tf.math.softplus(2 * x) / 2"),
        ("tensorflow", "tf.keras.layers.LeakyReLU(negative_slope=0.3)(x)"),
        ("tensorflow", "Dense(4, kernel_initializer=RandomUniform(0, 1), activation=tf.nn.relu)"),
        ("tensorflow", "keras.ops.gelu(x, approximate=False)"),
        ("tensorflow", "tf.cast(x, tf.float64)"),
        ("tensorflow", "x[..., tf.newaxis] + tf.float32.max + np.pi"),
        (
            "tensorflow",
            "tf.losses.mse(x, x) + tf.keras.losses.MeanSquaredError()(x, x) + keras.losses.get('mse')(x, x)",
        ),
        ("tensorflow", "keras.activations.get('relu')(x) + keras.layers.Dropout(0.5)(x) + tf.nn.dropout(x, rate=0)"),
    ],
)
def test_what_people_write_is_accepted(framework: str, text: str) -> None:
    tree, complaints = parse(text)
    assert tree is not None
    assert complaints + check_native(tree, framework, {"x"}) == []


def test_the_settings_of_a_native_call() -> None:
    def settings(row: str, kind: str, framework: str, text: str, given: int = 0) -> dict[str, str] | None:
        template = getattr(dictionary(), kind)[row].spelling[framework]
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        found = settings_of(template, call, framework, given=given)
        return None if found is None else {name: ast.unparse(tree) for name, tree in found.items()}

    assert settings("linear", "layers", "torch", "nn.Linear(3, out_features=4)") == {
        "in_features": "3",
        "out_features": "4",
        "bias": "True",
    }
    assert settings("linear", "layers", "tensorflow", "Dense(4, 'relu', use_bias=False)") == {
        "out_features": "4",
        "bias": "False",
    }
    assert settings("uniform", "initializers", "torch", "torch.nn.init.uniform_(b=2)", 1) == {"low": "0.0", "high": "2"}
    assert settings("uniform", "initializers", "torch", "nn.init.normal_()", 1) is None


_DEFAULTS = """
import inspect, sys
{imports}
for name in sys.argv[1:]:
    called = ".call" if name.startswith("keras") else ".forward"
    found = eval(name.replace("()", called))
    given = inspect.signature(found).parameters.values()
    print(name, *(f"{{p.name}}={{p.default}}" for p in given if p.default is not p.empty), sep="|")
"""


@pytest.mark.parametrize(
    ("root", "imports"), [("torch", "import torch; from torch import nn"), ("keras", "import keras, tensorflow as tf")]
)
def test_the_signatures_of_ones_own_functions_are_those_of_the_frameworks(root: str, imports: str) -> None:
    """The defaults in `signatures.yaml` are those that the frameworks have."""
    names = [name for name in rows_of("signatures") if name.startswith(("torch", "nn.")) == (root == "torch")]
    code = _DEFAULTS.format(imports=imports)
    shown = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True).stdout
    theirs = {name: set(defaults) for name, *defaults in (line.split("|") for line in shown.splitlines())}
    for name in names:
        arguments = ast.parse(f"lambda {rows_of('signatures')[name]}: 0", mode="eval").body
        assert isinstance(arguments, ast.Lambda)
        given = arguments.args.args[len(arguments.args.args) - len(arguments.args.defaults) :]
        ours = {f"{a.arg}={ast.literal_eval(d)}" for a, d in zip(given, arguments.args.defaults, strict=True)}
        assert ours <= theirs[name], name
