"""TensorFlow's checkpoints: `model.ckpt.index` with its `.data-*`, by TF1's names of variables or TF2's of objects.

Needs TensorFlow.
"""

from __future__ import annotations

import glob
import re
from typing import Any

from .entries import DAMAGED, Entry, LeftOut, Reader, Refused, refusing
from .hdf5_file import natural

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
# The slots that optimizers of TF1 keep beside a variable, by its name.
_SLOTS = re.compile(
    r"/(Adam|Adam_1|Momentum|RMSProp|RMSProp_1|Adagrad|Adadelta|Adadelta_1|Ftrl|Ftrl_1|AdamWeightDecay\w*)$"
)
_COUNTERS = re.compile(r"(^|/)(save_counter|global_step|beta[12]_power|_?iterations?)$")
_RANDOM = re.compile(r"(^|/)_?seed_generator(_\d+)?(/|$)")


class TensorflowFile(Reader):
    """A checkpoint by its prefix, the path without `.index`."""

    format = "TensorFlow checkpoint"

    def __init__(self, prefix: str) -> None:
        super().__init__()
        import tensorflow as tf

        _check_shards(prefix)
        with refusing("reading its index"):
            self._reader = tf.train.load_checkpoint(prefix)
            shapes = self._reader.get_variable_to_shape_map()
            dtypes = self._reader.get_variable_to_dtype_map()
            called = self._names() if GRAPH in shapes else {}
        for name in sorted(shapes, key=natural):
            what = _no_weight(name, called.get(name, ""), dtypes[name], shapes) or _again(name, called)
            if what:
                self.left_out.append(LeftOut(name, what))
            else:
                shown = name.replace(VALUE, "")
                other = called.get(name, "")
                self.entries.append(
                    Entry(name, tuple(shapes[name]), dtypes[name].name, other if other != shown else "")
                )

    def _names(self) -> dict[str, str]:
        """The variables' own names by their keys, as the graph of objects in the checkpoint has them."""
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        graph.ParseFromString(self._reader.get_tensor(GRAPH))
        return {
            each.checkpoint_key: each.full_name for node in graph.nodes for each in node.attributes if each.full_name
        }

    def read(self, name: str) -> Any:
        self.entry(name)
        with refusing("reading '{}'".format(name)):
            return self._reader.get_tensor(name)


def _check_shards(prefix: str) -> None:
    """Raises `Refused` where files of numbers are missing beside the index."""
    files = glob.glob(glob.escape(prefix) + ".data-*-of-*")
    counts = {int(file.rpartition("-of-")[2]) for file in files if file.rpartition("-of-")[2].isdecimal()}
    if not counts:
        raise Refused("its numbers are missing: there is no file '.data-00000-of-00001' beside the index", DAMAGED)
    count = max(counts)
    missing = ["{}.data-{:05}-of-{:05}".format(prefix, place, count) for place in range(count)]
    missing = [file for file in missing if file not in files]
    if missing:
        raise Refused("its numbers are not all there: '{}' is missing".format(missing[0]), DAMAGED)


def _no_weight(name: str, called: str, dtype: Any, shapes: Any) -> str:
    """What an entry of a checkpoint is that is no weight; empty for one that is."""
    plain = name.replace(VALUE, "")
    if name == GRAPH:
        return "the graph of objects"
    if "/.OPTIMIZER_SLOT/" in name or re.match(r"(\w*_)?optimizer\d*/", plain):
        # Keras's optimizers hold the trained variables too: where no other path leads to these, they are the weights.
        if "_trainable_variables/" not in plain:
            return "state of the optimizer"
    elif _SLOTS.search(plain) and _SLOTS.sub("", plain) in shapes:
        return "state of the optimizer"
    if _COUNTERS.search(plain) or _COUNTERS.search(called):
        return "a counter of the training"
    if _RANDOM.search(plain) or _RANDOM.search(called):
        return "state of a random generator"
    if dtype.name not in _NUMBERS:
        return "no array of numbers ({})".format(dtype.name)
    return ""


def _again(name: str, called: dict[str, str]) -> str:
    """Says so of a variable that Keras's `export` keeps a second time; empty for any other."""
    if not name.startswith("_all_variables/") or name not in called:
        return ""
    first = any(key.startswith("variables/") and called[key] == called[name] for key in called)
    return "kept a second time" if first else ""


_NUMBERS = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bfloat16", "float8_e5m2", "float8_e4m3fn", "complex64", "complex128"),
}
