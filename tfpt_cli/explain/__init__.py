"""Which known differences explain a mismatch."""
