"""`python -m lsp [--stdio]`: the server on stdin and stdout."""

import sys

from lsp.start import main

if __name__ == "__main__":
    sys.exit(main())
