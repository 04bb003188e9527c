"""Frameworks in processes of their own: `process` is one of them, `queue` what it is given, `child` what runs inside it."""
