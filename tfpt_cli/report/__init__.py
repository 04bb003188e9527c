"""Reports: pure functions of what is in `tfpt_cli.results`."""
