"""The commands: what a person types, where output goes, progress, exit codes.

`commands` declares them with their options; the module that does a command's work is imported when it runs.
"""
