"""The benchmarks with a command line of their own."""

from collections.abc import Callable

from comfy.cli_args import args as comfy_args

OWN = ("tino", "scale", "gpu")


def cuda_here() -> bool:
    """Whether there is a GPU; PyTorch is slow to import, and `bench scale` needs none."""
    import torch

    return torch.cuda.is_available()


def own_command(part: str) -> Callable[[list[str]], None]:
    """What runs one of `OWN` with the arguments after its name."""
    if part == "tino":
        from .tino.command import main
    elif part == "scale":
        from .scale.command import main
    else:
        comfy_args.cpu = not cuda_here()
        from .gpu.command import main
    return main
