"""The subject `model`: a layer or a network, forward, backward and state, with the same weights on both sides.

Each side's process looks at its model first (`inventory`). The parameters are paired (`pairing`) and given the same numbers
(`weights`); both run, and what they give is compared (`comparer`). Where they part, the layers are laid side by side
(`alignment`) and each is run by itself. `fields` reads such a scenario, `spec` is what that gives, `torch` and `tensorflow` write
the listings (`writer` is what they share), `subject` is what the pipeline uses, in the order of the rounds.
"""
