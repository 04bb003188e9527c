"""A graph convolution: each node reads the average of its neighbours and of itself, weighed by their degrees."""

import torch
from torch import nn


class GraphConvolution(nn.Module):
    """A weight of its own, then the neighbours, then the bias."""

    def __init__(self, features, filters):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, filters))
        self.bias = nn.Parameter(torch.zeros(filters))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adjacency):
        return adjacency @ (x @ self.weight) + self.bias


class GCN(nn.Module):
    """Two graph convolutions with ReLU and dropout between them; the logarithms of probabilities for each node."""

    def __init__(self, features=5, hidden=8, classes=3):
        super().__init__()
        self.gc1 = GraphConvolution(features, hidden)
        self.gc2 = GraphConvolution(hidden, classes)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x, edges):
        a = edges + torch.eye(edges.shape[-1], dtype=edges.dtype)
        degree = a.sum(-1)
        a = a / torch.sqrt(degree[:, None] * degree[None, :])
        x = self.dropout(torch.relu(self.gc1(x, a)))
        return torch.log_softmax(self.gc2(x, a), dim=-1)
