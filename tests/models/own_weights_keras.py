"""The networks of `own_weights.py` where people make the weights themselves: in a `tf.Module`, or in layers of Keras."""

import keras
import tensorflow as tf
from keras import ops


def variable(*shape: int) -> tf.Variable:
    return tf.Variable(tf.random.normal(shape, dtype=keras.config.floatx()))


class DenseLayer(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = variable(4, 4), variable(4)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x @ self.w + self.b)


class Dense(tf.Module):  # type: ignore[misc]
    """A list of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [DenseLayer() for _ in range(3)]

    @tf.function
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class DenseLists(tf.Module):  # type: ignore[misc]
    """A list of weights, and one of biases."""

    def __init__(self) -> None:
        super().__init__()
        self.weights, self.biases = [variable(4, 4) for _ in range(3)], [variable(4) for _ in range(3)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = tf.nn.relu(tf.matmul(x, weight) + bias)
        return x


class DenseNames(tf.Module):  # type: ignore[misc]
    """All weights in one place, by names with numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.w0, self.w1, self.w2 = (variable(4, 4) for _ in range(3))
        self.b0, self.b1, self.b2 = (variable(4) for _ in range(3))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        for weight, bias in ((self.w0, self.b0), (self.w1, self.b1), (self.w2, self.b2)):
            x = tf.nn.relu(tf.tensordot(x, weight, 1) + bias)
        return x


class Projection(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, start: str) -> None:
        super().__init__()
        self.start = start

    def build(self, shape: tuple[int, ...]) -> None:
        self.w = self.add_weight(shape=(shape[-1], shape[-1]), initializer=self.start, name="w")
        self.b = self.add_weight(shape=(shape[-1],), name="b")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return ops.einsum("bti,io->bto", x, self.w) + self.b


class Attention(keras.layers.Layer):  # type: ignore[misc]
    """Projections that are layers; zeros that they start with tell nothing of how they are computed with."""

    def __init__(self, start: str = "glorot_uniform", scale: float = 8**0.5) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (Projection(start) for _ in range(4))
        self.scale = scale

    def call(self, x: tf.Tensor) -> tf.Tensor:
        scores = ops.matmul(self.q(x), ops.transpose(self.k(x), (0, 2, 1))) / self.scale
        return self.o(ops.softmax(scores, -1) @ self.v(x))


class AttentionNames(keras.layers.Layer):  # type: ignore[misc]
    """All weights in one layer."""

    def build(self, shape: tuple[int, ...]) -> None:
        size = shape[-1]
        for name in "qkvo":
            setattr(self, f"w{name}", self.add_weight(shape=(size, size), name=f"w{name}"))
            setattr(self, f"b{name}", self.add_weight(shape=(size,), name=f"b{name}"))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        q, k, v = (x @ w + b for w, b in ((self.wq, self.bq), (self.wk, self.bk), (self.wv, self.bv)))
        return ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 8**0.5, -1) @ v @ self.wo + self.bo


class Heads(keras.Model):  # type: ignore[misc]
    """Attention whose kernels have an axis for the heads."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (
            keras.layers.EinsumDense("btd,dhe->bhte", (2, None, 4), bias_axes="he") for _ in range(3)
        )
        self.o = keras.layers.EinsumDense("bhte,hed->btd", (None, 8), bias_axes="d")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.o(ops.softmax(self.q(x) @ ops.transpose(self.k(x), (0, 1, 3, 2)) / 2, -1) @ self.v(x))


class HeadsNames(keras.layers.Layer):  # type: ignore[misc]
    """The same in one layer."""

    def build(self, shape: tuple[int, ...]) -> None:
        size = shape[-1]
        for name in "qkv":
            setattr(self, f"w{name}", self.add_weight(shape=(size, 2, size // 2), name=f"w{name}"))
            setattr(self, f"b{name}", self.add_weight(shape=(2, 1, size // 2), name=f"b{name}"))
        self.wo, self.bo = (
            self.add_weight(shape=(2, size // 2, size), name="wo"),
            self.add_weight(shape=(size,), name="bo"),
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        given = (self.wq, self.bq), (self.wk, self.bk), (self.wv, self.bv)
        q, k, v = (ops.einsum("btd,dhe->bhte", x, w) + b for w, b in given)
        made = ops.softmax(q @ ops.transpose(k, (0, 1, 3, 2)) / 2, -1) @ v
        return ops.einsum("bhte,hed->btd", made, self.wo) + self.bo


class Pixels(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.conv_w, self.up_w, self.each_w = variable(3, 3, 3, 3), variable(3, 3, 3, 3), variable(3, 3, 3, 1)
        self.conv_b, self.up_b, self.each_b = (variable(3) for _ in range(3))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        hidden = tf.nn.relu(tf.nn.conv2d(x, self.conv_w, 1, "VALID") + self.conv_b)
        hidden = tf.nn.conv2d_transpose(hidden, self.up_w, x.shape, 1, "VALID") + self.up_b
        return tf.nn.depthwise_conv2d(tf.nn.relu(hidden), self.each_w, (1, 1, 1, 1), "VALID") + self.each_b


class Steps(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.conv_w, self.up_w, self.conv_b, self.up_b = variable(3, 3, 3), variable(3, 3, 3), variable(3), variable(3)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        hidden = tf.nn.relu(tf.nn.conv1d(x, self.conv_w, 1, "VALID") + self.conv_b)
        return tf.nn.conv1d_transpose(hidden, self.up_w, x.shape, 1, "VALID") + self.up_b


class Products(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.w1, self.w2, self.w3, self.w4, self.w5 = (variable(4, 4) for _ in range(5))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        x = tf.tanh(tf.matmul(tf.tanh(x @ self.w1), self.w2))
        x = tf.tanh(tf.einsum("bi,io->bo", x, self.w3))
        return tf.matmul(tf.tanh(tf.linalg.matvec(self.w4, x)), tf.transpose(self.w5))


class Scaled(keras.layers.Layer):  # type: ignore[misc]
    def build(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], 4), name="kernel")
        self.matrix = self.add_weight(shape=(4, 4), name="matrix")
        self.last_w, self.last_b = self.add_weight(shape=(4, 4), name="w"), self.add_weight(shape=(4,), name="b")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = ops.mean(ops.conv(x, self.kernel / 6), (1, 2))
        x = ops.tanh(x @ (self.matrix * 0.5))
        return x @ (self.last_w * ops.triu(ops.ones((4, 4), x.dtype))) + self.last_b


class NormalizedDense(keras.layers.Layer):  # type: ignore[misc]
    def build(self, shape: tuple[int, ...]) -> None:
        self.v = self.add_weight(shape=(shape[-1], 4), name="v")
        self.g = self.add_weight(shape=(4,), initializer="ones", name="g")
        self.b = self.add_weight(shape=(4,), initializer="zeros", name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x @ (self.v * self.g / ops.norm(self.v, axis=0)) + self.b


def normalized() -> keras.Model:
    return keras.Sequential([NormalizedDense(), keras.layers.ReLU(), NormalizedDense()])


class Scores(keras.layers.Layer):  # type: ignore[misc]
    def build(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 2, 3), name="kernel")
        self.score = self.add_weight(shape=(2, 3), name="score")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        heads = ops.einsum("ni,iho->nho", x, self.kernel)
        return heads * ops.tanh(ops.sum(heads * self.score, -1, keepdims=True))


class Tied(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.table, self.w, self.b = variable(6, 6), variable(6, 6), variable(6)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.gather(self.table, x) @ self.w + self.b, self.table, transpose_b=True)


def traced(kind: str = "model", *, built: bool = False) -> keras.Model:
    """The network of `Dense`, of which all or a part is a `tf.function`; `built` it has weights before that is traced."""

    class Traced(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = [keras.layers.Dense(4, activation="relu") for _ in range(3)]
            for layer in self.dense if built else ():
                layer.build((None, 4))

        def call(self, x: tf.Tensor) -> tf.Tensor:
            return self.rest(self.dense[0](x))

        def rest(self, x: tf.Tensor) -> tf.Tensor:
            return self.dense[2](self.dense[1](x))

    name = "call" if kind == "model" else "rest"
    setattr(Traced, name, tf.function(getattr(Traced, name)))
    return Traced()
