"""The commands, a module for those that belong together: where output goes, progress, exit codes.

A module is imported when one of its commands runs.
"""
