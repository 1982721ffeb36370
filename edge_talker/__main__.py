"""`python -m edge_talker`: the command line."""

from edge_talker.cli import main

if __name__ == "__main__":
    main()
