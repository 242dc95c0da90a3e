"""``python -m multicapa``: the command line."""

import sys

from multicapa.cli import main

if __name__ == "__main__":
    sys.exit(main())
