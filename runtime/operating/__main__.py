"""`python -m penstock.runtime.operating`: the door where only the runtime is installed."""

import sys

from .door import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "python -m penstock.runtime.operating"))
