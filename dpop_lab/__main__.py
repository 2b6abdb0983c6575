"""`python -m dpop_lab` is the `dpop-lab` command."""

import sys

from dpop_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
