"""What `tfpt transfer` of a network of wide layers comes to, written down plainly: the file is read and the other one written.

`python bare_transfer.py 8192 net.pt net.weights.h5`; into `.npz` no model is made.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

WIDTH, SOURCE, TARGET = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if not Path(SOURCE).exists():  # what is measured is made first
    from tests.benchmarks.wide_torch import network as torch_network

    torch.save(torch_network(WIDTH).state_dict(), SOURCE)
    raise SystemExit
state = torch.load(SOURCE, weights_only=True)
arrays = [tensor.numpy().T for tensor in state.values()]
if TARGET.endswith(".npz"):
    np.savez(TARGET, **dict(zip(state, arrays, strict=True)))
else:
    from tests.benchmarks.wide_keras import network

    model = network(WIDTH)
    model.set_weights(arrays)
    model.save_weights(TARGET)
