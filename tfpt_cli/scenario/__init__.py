"""YAML text to checked scenarios, every problem with file, line and column. No framework, no NumPy."""
