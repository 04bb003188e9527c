"""Scenarios: their cases, their schema, which of them are chosen, and how one is written as YAML."""
