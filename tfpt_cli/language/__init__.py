"""The language of scenarios: Python's syntax cut down to an allowlist, signatures of calls, shapes of results."""
