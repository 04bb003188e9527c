"""The pipeline: scenarios are queued, their outcomes awaited, compared and put into a report. It prints nothing."""
