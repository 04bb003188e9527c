"""tfpt run on models of libraries that people port from: `python -m tests.realworld`, on demand and in an environment of its own."""
