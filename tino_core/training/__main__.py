"""python -m elect_tino.tino_core.training: train a LatentCLIP or a LatentVGG."""

import sys

from .options import read_options


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    from .distil import distil

    try:
        distil(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
