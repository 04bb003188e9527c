"""The subjects: what a scenario can be about. One module each: its fields, its listings, how its quantities compare."""
