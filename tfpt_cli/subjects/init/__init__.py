"""The subject `init`: what a layer's parameters hold before training.

A parameter that nothing random fills is compared value by value. A random one is drawn again and again, by the
framework's own initializer, until `samples` values are there on each side, and compared as a distribution.

`neutral` and `native` read the two ways to write such a scenario, `spec` is what they give, `torch` and `tensorflow`
write the listings.
"""
