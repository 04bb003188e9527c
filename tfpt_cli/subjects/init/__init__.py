"""The subject `init`: what a layer's parameters hold before training.

A parameter that nothing random fills is compared value by value. A random one is drawn again and again, by the
framework's own initializer, until `samples` values are there on each side, and compared as a distribution.

`fields` reads such a scenario: `neutral` and `native` are the two ways to write it; layers, their parameters, initializers and
layouts are in the room `layers`. `spec` is what reading gives; `torch` and `tensorflow` write the listings of it (`writer` is
what they share), `comparer` holds against each other what they leave, `subject` is what the pipeline uses. `one_liner` makes a
scenario of options, `recipes` puts a recipe into one, `templates` are what `tfpt new` begins with.
"""
