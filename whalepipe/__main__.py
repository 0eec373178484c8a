"""`python -m whalepipe`: the same as the command `whalepipe`."""

from whalepipe.cli import main

if __name__ == "__main__":
    main()
