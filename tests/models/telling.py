"""A network that writes into `told.txt` each time it is run with the bias 64 that a file gives it, forward or backward."""

import torch
from torch import nn


def tell(words):
    with open("told.txt", "a") as file:
        file.write(words + "\n")


class Telling(nn.Module):
    def __init__(self, bias=True, outputs=3):
        super().__init__()
        self.out = nn.Linear(4, outputs, bias=bias)

    def forward(self, x):
        y = self.out(x)
        if self.out.bias is not None and float(self.out.bias.detach()[0]) == 64.0:
            tell("torch forward")
            if y.requires_grad:
                y.register_hook(lambda _: tell("torch backward"))
        return y


if __name__ == "__main__":
    model = Telling()
    nn.init.constant_(model.out.bias, 64.0)
    torch.save(model.state_dict(), "telling.pt")
    torch.save(Telling(bias=False).state_dict(), "without.pt")
