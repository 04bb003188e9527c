"""A network of the size of BERT-base, 110 million parameters, as a person writes it in PyTorch."""

import torch
from torch import Tensor, nn

WORDS, LENGTH, SIZE, HEADS, INNER, DEPTH = 30_522, 512, 768, 12, 3_072, 12


class Bert(nn.Module):  # type: ignore[misc]
    """Embeddings, and the encoder of a transformer with its norms behind each part."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, SIZE), nn.Embedding(LENGTH, SIZE)
        self.norm = nn.LayerNorm(SIZE, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(DEPTH))
        self.pooler = nn.Linear(SIZE, SIZE)

    def forward(self, words: Tensor) -> Tensor:
        places = torch.arange(words.shape[1], device=words.device)
        x = self.norm(self.words(words) + self.positions(places))
        for layer in self.layers:
            x = layer(x)
        return torch.tanh(self.pooler(x[:, 0]))


class Layer(nn.Module):  # type: ignore[misc]
    """Attention and two dense layers, each added to what it is given and normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(SIZE, HEADS, batch_first=True)
        self.attention_norm = nn.LayerNorm(SIZE, eps=1e-12)
        self.inner, self.outer = nn.Linear(SIZE, INNER), nn.Linear(INNER, SIZE)
        self.norm = nn.LayerNorm(SIZE, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention_norm(x + self.attention(x, x, x, need_weights=False)[0])
        return self.norm(x + self.outer(nn.functional.gelu(self.inner(x))))
