"""``python -m transparent_background`` is the command ``transparent-background``."""

import sys

from .cli import run

if __name__ == "__main__":
    sys.exit(run())
