"""What is recorded leaves a GPU behind its work: no step waits for the copy of an earlier one."""

import torch
from torch import Tensor


class Leaving:
    """Copies of tensors. Those on a CUDA device go to pinned RAM in the order of its stream.

    A copy may be read after `wait`, which waits for one event a device.
    """

    def __init__(self):
        self._devices: set[torch.device] = set()

    def __call__(self, tensor: Tensor) -> Tensor:
        """A copy of its own, in RAM where the tensor is on a CUDA device."""
        if tensor.device.type != "cuda":
            return tensor.clone()
        self._devices.add(tensor.device)
        kept = torch.empty_like(tensor, device="cpu", pin_memory=True)
        return kept.copy_(tensor, non_blocking=True)

    def wait(self) -> None:
        """Return once every copy made so far can be read."""
        while self._devices:
            event = torch.cuda.current_stream(self._devices.pop()).record_event()
            event.synchronize()
