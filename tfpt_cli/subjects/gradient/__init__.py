"""The subject `gradient`: the value of an expression and its derivatives, by every way that each framework has.

`fields` reads such a scenario, `spec` is what it gives, `torch` and `tensorflow` write the listings (`writer` is what
they share), `subject` is what the pipeline uses.
"""
