"""A graph convolution as subclasses of `keras.layers.Layer` and `keras.Model`."""

import keras
from keras import layers, ops


class GraphConvolution(layers.Layer):
    """A weight of its own, then the neighbours, then the bias; or the bias before the neighbours with `bias_first`."""

    def __init__(self, features, filters, bias_first=False):
        super().__init__()
        self.bias_first = bias_first
        self.weight = self.add_weight(shape=(features, filters), name="weight")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")

    def call(self, x, adjacency):
        x = ops.matmul(x, self.weight)
        if self.bias_first:
            return ops.matmul(adjacency, x + self.bias)
        return ops.matmul(adjacency, x) + self.bias


class GCN(keras.Model):
    """Two graph convolutions with ReLU and dropout between them; the logarithms of probabilities for each node, along `axis`."""

    def __init__(self, features=5, hidden=8, classes=3, *, loops=True, axis=-1, **options):
        super().__init__()
        self.gc1 = GraphConvolution(features, hidden, **options)
        self.gc2 = GraphConvolution(hidden, classes, **options)
        self.dropout = layers.Dropout(0.5)
        self.loops = loops
        self.axis = axis

    def call(self, x, edges):
        a = edges + ops.eye(edges.shape[-1], dtype=edges.dtype) if self.loops else edges
        degree = ops.sum(a, axis=-1)
        a = a / ops.sqrt(degree[:, None] * degree[None, :])
        x = self.dropout(ops.relu(self.gc1(x, a)))
        return ops.log_softmax(self.gc2(x, a), axis=self.axis)
