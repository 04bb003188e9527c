"""What `tfpt check scenarios/seed` asks of the frameworks, in one plain process: the seed's code, twice over.

The weight is drawn until 20,000 values are there, as the scenarios ask, by the calls of tfpt's own listings (a loop of
eager Keras initializers would take a second longer and flatter the ratio).
"""

import keras
import tensorflow as tf
import torch
from torch import nn

DRAWS = 1667

for activation in (None, "relu"):
    torch.manual_seed(0)
    linear = nn.Linear(3, 4)
    nn.init.uniform_(linear.weight, a=0, b=1)
    nn.init.constant_(linear.bias, -1)
    draws = torch.empty(DRAWS, 4, 3)
    for draw in draws:
        nn.init.uniform_(draw, a=0, b=1)
    print(linear.weight, linear.bias, draws.mean(), draws.std())

    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(
        4,
        activation=activation,
        kernel_initializer=keras.initializers.RandomUniform(0, 1),
        bias_initializer=keras.initializers.Constant(-1),
    )
    dense.build((None, 3))
    initializer = keras.initializers.RandomUniform(0, 1, seed=keras.random.SeedGenerator(0))

    @tf.function  # type: ignore[untyped-decorator]
    def draw_all(initializer: keras.Initializer = initializer) -> tf.Tensor:
        return tf.map_fn(lambda _: initializer((3, 4)), tf.range(DRAWS), fn_output_signature="float32")

    kernels = draw_all()
    print(dense.kernel, dense.bias, tf.reduce_mean(kernels), tf.math.reduce_std(kernels))

for _ in range(2):
    x = torch.tensor(0.0, requires_grad=True)
    y = 2 * x + 3
    y.backward()
    y = 2 * x + 3
    print(y, x.grad, torch.autograd.grad(y, x)[0])

    v = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        z = 2 * v + 3
    print(z, tape.gradient(z, v))
