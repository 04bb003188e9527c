"""The subject `init`: what a layer's parameters hold before training.

A parameter that nothing random fills is compared value by value. A random one is drawn again and again, by the
framework's own initializer, until `samples` values are there on each side, and compared as a distribution.

`fields` reads such a scenario (`neutral` and `native` the two ways to write it), `spec` is what it gives, `torch` and
`tensorflow` write the listings (`writer` is what they share), `subject` is what the pipeline uses.
"""
