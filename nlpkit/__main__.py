"""`python -m nlpkit`: the same as the command `nlpkit`."""

from nlpkit.cli.app import main

if __name__ == "__main__":
    main()
