"""The subject `model`: a layer or a network, forward, backward and state, with the same weights on both sides.

`fields` reads such a scenario (`checks` is what it complains of), `spec` is what that gives, `subject` is what the pipeline uses,
and `course` the order of the rounds:

1. Each side's process looks at its model (`looking`), which gives an `inventory`.
2. The layers that hold parameters (`units`) and the parameters in them are paired (`pairing`), and given the same numbers
   (`weights`). Both run what `planning` decides, and what they give is compared (`comparer`).
3. Where they part, or are small, the layers are laid side by side (`alignment`), with what they are set to otherwise
   (`settings`); in Keras each is run by itself on what PyTorch's was given. `beginning` says where the models begin to part,
   `evidence` in which code a known difference is looked for.

`torch` and `tensorflow` write the listings, and `writer` is what they share.
"""
