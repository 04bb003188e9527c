"""The subjects: what a scenario can be about, a folder each.

What every scenario goes through (files, the schema, the pipeline, reports) knows neither their names nor their keys; a command
that is about one of them asks it. `subject` says what a subject is, `registry` holds them all: a new one is a folder and its line
there.
"""
