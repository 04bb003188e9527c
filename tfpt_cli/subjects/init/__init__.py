"""The subject `init`: what a layer's parameters hold before training.

A parameter that nothing random fills is compared value by value. A random one is drawn again and again, by the
framework's own initializer, until `samples` values are there on each side, and compared as a distribution.

`fields` reads such a scenario: `neutral` and `native` are the two ways to write it, `known` the layers that a row of the
dictionary knows, `initializers` what fills a parameter, `axes` how its axes map. `spec` is what reading gives; `torch` and
`tensorflow` write the listings of it (`writer` is what they share), `subject` is what the pipeline uses.
"""
