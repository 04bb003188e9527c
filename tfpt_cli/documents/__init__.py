"""YAML to checked documents in which every value knows its place, and what a subject reads them with."""
