"""Fuzzing: inputs nobody wrote, put to everything that reads what others made. `python -m tests.fuzz --help` runs it."""
