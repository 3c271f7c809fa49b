"""python -m elect_tino.tino_core.training: train a latent model, evaluate one, or count."""

import sys

from .options import read_options


def main(arguments: list[str] | None = None) -> int:
    """Train, evaluate or tell the cost, as asked; returns the exit code, 2 for a wrong option."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if any(one.split("=")[0] == "--evaluate" for one in given):
            from .evaluate import parse, report

            report(parse(given))
        elif "--cost" in given:
            from .cost import print_cost

            print_cost([one for one in given if one != "--cost"])
        else:
            options = read_options(given)
            from .distil import distil

            distil(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
