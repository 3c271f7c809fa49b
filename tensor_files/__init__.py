"""Files of tensors: safetensors, or pickles that hold tensors and nothing else. One reader for all.

Imports torch and safetensors only, so that every part of the pack may stand on it.
"""

from .reading import TensorFile, read_tensor_file, read_tensors

__all__ = ["TensorFile", "read_tensor_file", "read_tensors"]
