"""The dictionary held against the installed frameworks."""
