"""The subject `gradient`: the value of an expression and its derivatives, by every way that each framework has.

In the order in which a scenario meets them:

- `fields` reads it, `expressions` its code; `spec` is what that gives, with what each expression means (`meaning`).
- `torch` and `tensorflow` write the listings (`writer` is what they share).
- `reference` writes the reference's; `differences` its derivatives by difference quotients, `own_function` those of what a side
  itself computes. `quotients`, `digits` (50 of them) and `freedom` (what several right answers share) are put into listings as
  text. What such a listing leaves of a quantity is an aspect (`aspects`).
- `comparer` holds the outcomes against each other; `evidence` is what the sides and the reference have left of all rounds,
  `findings` says in words what the reference has to say of that, `besides` what needs neither a verdict nor the reference.
- `subject` is what the pipeline uses; `curves` are for the page, `recipes` puts a recipe into a scenario, `one_liner` makes one
  of options, `templates` are what `tfpt new` begins with.
"""
