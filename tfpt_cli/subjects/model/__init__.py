"""The subject `model`: a layer or a network, forward, backward and state, with the same weights on both sides.

Its modules, in the order in which a scenario meets them:

- `fields` reads the scenario and `checks` is what it complains of; `loss` is what is differentiated; `spec` is what that gives.
- `templates` are what `tfpt new` starts from, and `one_liner` makes a scenario of the options of a command line.
- `subject` is what the pipeline uses; `course` has the order of the rounds.

1. Each side's process looks at its model:
   - `looking` is that round, and `inventory` what it gives: layers, tensors, and what ran.
2. The parameters are paired and given the same numbers (`correspondence`), and both models are run with them:
   - `units` are the layers that hold parameters; `matching` says which of both sides correspond.
   - `given_pairs` are those that a scenario names, and `paired_parameters` what a pair is, of whole parameters or of parts.
   - `packing` finds what one side has in one layer or parameter, and the other in several.
   - `pairing` pairs the parameters within them, and `leftover` those of which no row says what they are; `neighbours` those of a
     person's own that only the layers around them tell. What is only guessed then a `trial` of both models tells.
   - `stored` has the numbers from a file of weights, and `weights` draws them, or hands one side's own to the other.
   - `planning` decides what both run, and `comparer` compares what they give; of numbers that do not fit `misfit` says why.
   - `dropping` compares layers that draw at random, by what each makes of ones.
3. Where they part, or are small, the layers are looked at (`watching` has these rounds); in Keras each is run by itself on what
   PyTorch's was given:
   - `alignment` says which calls stand beside each other, `fused` what one layer does itself and the other's model calls around
     its own, and `settings` what they are set to otherwise.
   - `axis_orders` says how what one gives stands in the other, and `side_by_side` measures how far both are apart.
   - `rounding` is what single precision adds.
   - `beginning` says where the models begin to part, in the words of `wording`; of the calls between layers `steps` says which
     both make alike. `evidence` has the code in which a known difference is looked for.

- `writer` is what the writers of listings share; `torch` and `tensorflow` are these.
- `transfer` writes one model's weights from a file as a file of the other, and `conversion` writes code that does so.
"""
