"""tfpt run on models of libraries that people port from, on demand: `python -m tests.realworld`."""
