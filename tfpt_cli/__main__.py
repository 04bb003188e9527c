"""`python -m tfpt_cli` is `tfpt`."""

from tfpt_cli.cli.main import main

if __name__ == "__main__":
    main()
