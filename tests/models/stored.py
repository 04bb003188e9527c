"""A network whose weights are kept in files; run by itself it writes them, in each way that PyTorch's are kept."""

import numpy as np
import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.gru = nn.GRU(6, 5, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(10)
        self.out = nn.Linear(10, 3)

    def forward(self, words):
        return self.out(self.norm(self.gru(self.embedding(words))[0]))


if __name__ == "__main__":
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = Tagger()
    nn.init.constant_(model.out.bias, 64.0)
    state = model.state_dict()
    torch.save(state, "net.pt")
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}, "epoch": 3}, "wrapped.pth")
    torch.save({name: tensor for name, tensor in state.items() if name != "gru.weight_hh_l0"}, "less.pt")
    save_file({name: tensor.half() for name, tensor in state.items()}, "half.safetensors")
    np.savez("net.npz", **{name: tensor.numpy() for name, tensor in state.items()})
