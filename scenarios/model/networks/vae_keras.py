"""A variational autoencoder as a subclass of `keras.Model`. The noise is an input."""

import keras
from keras import layers, ops


class VAE(keras.Model):
    """A dense layer encodes, two more give the mean and the logarithm of the variance, two decode.

    Unless `half` the noise is multiplied by the variance; `average` divides the divergence by the number of latent variables.
    """

    def __init__(self, pixels=12, hidden=8, latent=3, *, half=True, average=False, last=None):
        super().__init__()
        self.encoder = layers.Dense(hidden, activation="relu")
        self.fc_mu = layers.Dense(latent)
        self.fc_logvar = layers.Dense(latent)
        self.decoder = layers.Dense(hidden, activation="relu")
        self.out = layers.Dense(pixels, activation=last)
        self.half = 0.5 if half else 1.0
        self.reduce = ops.mean if average else ops.sum

    def call(self, x, noise):
        h = self.encoder(x)
        mu, logvar = self.fc_mu(h), self.fc_logvar(h)
        z = mu + noise * ops.exp(self.half * logvar)
        kl = -0.5 * self.reduce(1 + logvar - ops.square(mu) - ops.exp(logvar), axis=-1)
        return self.out(self.decoder(z)), kl
