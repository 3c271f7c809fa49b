"""python -m elect_tino.embedded.report; see `editing`."""

from .editing import main

main()
