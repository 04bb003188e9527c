"""A variational autoencoder. The noise is an input, so that both frameworks draw the same."""

import torch
from torch import nn


class VAE(nn.Module):
    """A linear layer encodes, two more give the mean and the logarithm of the variance, two decode; it gives its loss's parts."""

    def __init__(self, pixels=12, hidden=8, latent=3):
        super().__init__()
        self.encoder = nn.Linear(pixels, hidden)
        self.fc_mu = nn.Linear(hidden, latent)
        self.fc_logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Linear(latent, hidden)
        self.out = nn.Linear(hidden, pixels)

    def forward(self, x, noise):
        h = torch.relu(self.encoder(x))
        mu, logvar = self.fc_mu(h), self.fc_logvar(h)
        z = mu + noise * torch.exp(0.5 * logvar)
        logits = self.out(torch.relu(self.decoder(z)))
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1)
        return logits, kl
