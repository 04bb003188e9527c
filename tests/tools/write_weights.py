"""Weight files as the frameworks write them: python write_weights.py torch|tensorflow FOLDER, in a process of its own."""

from __future__ import annotations

import collections
import sys
from pathlib import Path


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(FOLDER / "evil was run"), "w")


class Own:
    """A class of a person's own, such as a model's."""


def by_torch() -> None:
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(0)
    layers = collections.OrderedDict(
        stem=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4), head=nn.Linear(4, 4), out=nn.Linear(4, 2)
    )
    model = nn.Sequential(layers)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 1)
    state = model.state_dict()
    wrapped = {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}
    optimizer = torch.optim.Adam(model.parameters())
    halves = {name: tensor.bfloat16() for name, tensor in state.items() if tensor.is_floating_point()}
    eighths = {"w": torch.ones(3).to(torch.float8_e4m3fn), "v": torch.ones(3).to(torch.float8_e5m2)}
    run = {"epoch": 3, "optimizer": optimizer.state_dict(), "note": "best", "rng": torch.zeros(3)}
    files = {
        "net.pt": state,
        "net.pth": wrapped,
        "run.ckpt": {"state_dict": state, **run},
        "run.bin": {"model_state_dict": state, **run},
        "two.pt": {"model": state, "ema": halves},
        "deep.pt": {"params": {"a": {"w": torch.ones(2)}, "b": {"w": torch.ones(3)}}},
        "half.pt": halves,
        "eighth.pt": eighths,
        "odd.pt": {
            "w": torch.ones(2, 3).t(),
            "s": torch.ones(2).to_sparse(),
            "q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
            "m": torch.empty(2, device="meta"),
        },
        "whole.pt": model,
        "evil.pt": {"w": torch.ones(2), "x": Evil()},
        "own.pt": {"w": torch.ones(2), "x": Own()},
        "tensor.pt": torch.ones(2),
        "list.pt": [torch.ones(2)],
        "none.pt": {"epoch": 3},
        "vast.pt": {"w": torch.ones(1).expand(1 << 29)},
    }
    for name, content in files.items():
        torch.save(content, FOLDER / name)
    torch.save(state, FOLDER / "old.pt", _use_new_zipfile_serialization=False)
    torch.jit.trace(model[2], torch.ones(1, 4)).save(FOLDER / "script.pt")
    save_file(state, FOLDER / "net.safetensors", metadata={"format": "pt"})
    save_file(halves, FOLDER / "half.safetensors")
    save_file(eighths, FOLDER / "eighth.safetensors")


def by_tensorflow() -> None:
    import keras
    import numpy as np
    import tensorflow as tf
    from safetensors.numpy import load_file

    weights = load_file(FOLDER / "net.safetensors")
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(4, 3, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(4, name="head")(x))
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(x))
    axes = {4: (2, 3, 1, 0), 2: (1, 0)}
    order = ["stem.weight", "stem.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    order += ["head.weight", "head.bias", "out.weight", "out.bias"]
    turned = [weights[name].transpose(axes.get(weights[name].ndim)) for name in order]
    model.set_weights(turned)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(FOLDER / "net.keras")
    model.save(FOLDER / "net.h5")
    model.save_weights(FOLDER / "net.weights.h5")
    model.export(FOLDER / "saved", verbose=False)
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(FOLDER / "tf2" / "model.ckpt")
    with tf.Graph().as_default():
        kernel = tf.compat.v1.get_variable("dense/kernel", initializer=np.array([[1, 2], [3, 4]], np.float32))
        tf.compat.v1.get_variable("half", initializer=tf.constant([1.5, 2], tf.bfloat16))
        tf.compat.v1.train.get_or_create_global_step()
        loss = tf.reduce_sum(kernel * kernel)
        tf.compat.v1.train.AdamOptimizer().minimize(loss)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver().save(session, str(FOLDER / "tf1" / "old.ckpt"), global_step=7)


if __name__ == "__main__":
    FOLDER = Path(sys.argv[2])
    {"torch": by_torch, "tensorflow": by_tensorflow}[sys.argv[1]]()
