"""Neutral and native expressions: checked, written out for a framework, and read back from native code."""
