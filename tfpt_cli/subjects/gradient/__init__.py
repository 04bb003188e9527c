"""The subject `gradient`: the value of an expression and its derivatives, by every way that each framework has.

`fields` reads such a scenario, `spec` is what it gives, `torch` and `tensorflow` write the listings (`writer` is what
they share), `reference` that of the reference; `comparer` holds the outcomes against each other, `findings` says in words what
the reference has to say of that; `subject` is what the pipeline uses.
"""
