"""Outcomes to comparisons: layout, values, distributions. Symmetric in the two frameworks."""
