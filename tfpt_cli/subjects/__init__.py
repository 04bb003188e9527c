"""The subjects: what a scenario can be about. A folder each; nothing outside it knows its name or its keys.

`subject` says what a subject is, `registry` holds them all: a new one is a folder and its line there.
"""
