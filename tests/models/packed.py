"""Networks with several layers in one, and with each by itself: what one framework packs the other mostly does not."""

import torch
from torch import nn

WIDTH, HEADS = 8, 2


def attended(q, k, v):
    """What heads of queries, keys and values, (batch, heads, steps, width) each, give: (batch, steps, heads * width)."""
    scores = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)
    found = (scores @ v).transpose(1, 2)
    return found.reshape(*found.shape[:2], -1)


def heads(x):
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)


class Conv1D(nn.Module):
    """A linear layer as GPT-2 has it, with the weight the other way round."""

    def __init__(self, inner, outer):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inner, outer) * 0.3)
        self.bias = nn.Parameter(torch.zeros(outer))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    """An attention with query, key and value in one layer, in several, or one of a person's own class."""

    def __init__(self, kind="packed"):
        super().__init__()
        self.kind = kind
        if kind == "apart":
            self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        elif kind == "two":
            self.to_q, self.to_kv = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        else:
            self.qkv = Conv1D(WIDTH, 3 * WIDTH) if kind == "own" else nn.Linear(WIDTH, 3 * WIDTH)
        self.out = Conv1D(WIDTH, WIDTH) if kind == "own" else nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        if self.kind == "apart":
            given = [heads(layer(x)) for layer in (self.q, self.k, self.v)]
        elif self.kind == "two":
            given = [heads(part) for part in (self.to_q(x), *self.to_kv(x).chunk(2, -1))]
        elif self.kind == "interleaved":  # as GPT-NeoX and BLOOM have it
            given = heads(self.qkv(x)).chunk(3, -1)
        else:
            given = [heads(part) for part in self.qkv(x).chunk(3, -1)]
        return self.out(attended(*given))


class Blocks(nn.Module):
    """Two attentions, each behind a normalization."""

    def __init__(self, kind="packed"):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.attentions = nn.ModuleList(Attention(kind) for _ in range(2))

    def forward(self, x):
        for norm, attention in zip(self.norms, self.attentions, strict=True):
            x = x + attention(norm(x))
        return x


class Multihead(nn.Module):
    """PyTorch's own attention, which packs what it is given."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


class OneKey(nn.Module):
    """An attention whose heads share a key and a value, which are narrower than the query."""

    def __init__(self, packed=True):
        super().__init__()
        self.packed, self.each = packed, WIDTH // HEADS
        if packed:
            self.qkv = nn.Linear(WIDTH, WIDTH + 2 * self.each)
        else:
            self.q, self.k, self.v = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, self.each), nn.Linear(WIDTH, self.each)

    def forward(self, x):
        sizes = [WIDTH, self.each, self.each]
        q, k, v = self.qkv(x).split(sizes, -1) if self.packed else (self.q(x), self.k(x), self.v(x))
        return attended(heads(q), k[:, None], v[:, None])


class Gated(nn.Module):
    """A cell whose four gates are one layer, or one each; PyTorch's own LSTM."""

    def __init__(self, kind="packed"):
        super().__init__()
        self.kind = kind
        if kind == "lstm":
            self.rnn = nn.LSTM(4, 3, batch_first=True)
        elif kind == "packed":
            self.x2h, self.h2h = nn.Linear(4, 12), nn.Linear(3, 12, bias=False)
        else:
            self.of_x = nn.ModuleList(nn.Linear(4, 3) for _ in range(4))
            self.of_h = nn.ModuleList(nn.Linear(3, 3, bias=False) for _ in range(4))

    def forward(self, x):
        if self.kind == "lstm":
            return self.rnn(x)[0][:, -1]
        h = c = x.new_zeros(len(x), 3)
        for step in range(x.shape[1]):
            given = x[:, step]
            if self.kind == "packed":
                i, f, g, o = (self.x2h(given) + self.h2h(h)).chunk(4, -1)
            else:
                i, f, g, o = (a(given) + b(h) for a, b in zip(self.of_x, self.of_h, strict=True))
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


class Experts(nn.Module):
    """A mixture of experts in a list, or in one tensor."""

    def __init__(self, *, packed=False):
        super().__init__()
        self.packed, self.gate = packed, nn.Linear(4, 3)
        if packed:
            self.up = nn.Parameter(torch.randn(3, 4, 5) * 0.3)
        else:
            self.up = nn.ModuleList(nn.Linear(4, 5, bias=False) for _ in range(3))

    def forward(self, x):
        shares = self.gate(x).softmax(-1)
        if self.packed:
            made = torch.relu(torch.einsum("bi,eio->beo", x, self.up))
        else:
            made = torch.stack([torch.relu(layer(x)) for layer in self.up], 1)
        return (shares[:, :, None] * made).sum(1)


class Images(nn.Module):
    """Three pointwise convolutions of an image, in one or each by itself."""

    def __init__(self, *, packed=True):
        super().__init__()
        self.packed = packed
        if packed:
            self.all = nn.Conv2d(3, 12, 1)
        else:
            self.a, self.b, self.c = (nn.Conv2d(3, 4, 1) for _ in range(3))

    def forward(self, x):
        a, b, c = self.all(x).chunk(3, 1) if self.packed else (self.a(x), self.b(x), self.c(x))
        return a.tanh() * b + c.sigmoid()
