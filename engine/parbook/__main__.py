"""`python -m parbook` is the command line."""

import sys

from parbook.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
