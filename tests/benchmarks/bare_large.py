"""What a check of a (4096, 4096) pair asks at least, in one plain process: both layers drawn, both weights sorted."""

import keras
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
linear = nn.Linear(4096, 4096, bias=False)
nn.init.xavier_uniform_(linear.weight)
keras.utils.set_random_seed(0)
dense = keras.layers.Dense(4096, use_bias=False)
dense.build((None, 4096))
for weight in (linear.weight.detach().numpy(), dense.kernel.numpy()):
    values = np.sort(weight, axis=None)
    print(values[0], values[-1])
