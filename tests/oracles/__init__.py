"""The truth from outside: cases whose answers other projects, or mpmath at 100 digits, have given before tfpt is asked.

Each source is a module that yields `Case`s: `opinfo` (what PyTorch tests its own operations with), `tables` (reference
values that NumPy and SciPy ship), `trees` (random expressions, differentiated by mpmath) and `planted` (a passing pair with
one mistake put into one side). `judge` has tfpt check them and holds each verdict and each word of blame against the truth.

    python -m tests.oracles [--source NAME] [--sample N] [--seed K]
"""
