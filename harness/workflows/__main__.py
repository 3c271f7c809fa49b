"""python3 dev.py python -m elect_tino.harness.workflows; see `author`."""

import sys

from .author import main

sys.exit(main())
