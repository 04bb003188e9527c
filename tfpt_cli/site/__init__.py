"""The dictionary as a static web site: a page for every row, and one that lists and searches them all."""
