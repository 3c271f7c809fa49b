"""Files of tensors: safetensors, or pickles that hold tensors and nothing else. One reader and one
writer for all.

Imports torch and safetensors only, so that every part of the pack may stand on it.
"""

from .reading import TensorFile, read_tensor_file, read_tensors
from .writing import write_tensor_file, written_whole

__all__ = [
    "TensorFile",
    "read_tensor_file",
    "read_tensors",
    "write_tensor_file",
    "written_whole",
]
