"""A file that imports one which imports it."""

from circular_parts import part


def build():
    return part()
