"""ELECT and TiNO-Edit for ComfyUI: the entry point that ComfyUI's loader looks for."""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    from .nodes import EditExtension

    return EditExtension()
