"""``python -m scalewise``: the command line."""

from scalewise.cli.app import main

if __name__ == "__main__":
    main()
