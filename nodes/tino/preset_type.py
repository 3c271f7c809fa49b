"""What TiNOPreset hands to TiNOOptimize: values by the names of its inputs."""

from comfy_api.latest import io


@io.comfytype(io_type="TINO_PRESET")
class TinoPresetType(io.ComfyTypeIO):
    """dict of input name to value."""

    Type = dict
