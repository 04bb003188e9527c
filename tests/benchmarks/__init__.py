"""Speed and memory, as ratios against bare scripts that make the same framework calls. Run: python -m tests.benchmarks."""
