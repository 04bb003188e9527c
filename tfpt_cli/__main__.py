"""`python -m tfpt_cli` is `tfpt`."""

from tfpt_cli.cli import main

if __name__ == "__main__":
    main()
