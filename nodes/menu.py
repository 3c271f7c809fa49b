"""Where the nodes stand in ComfyUI's menu, and what several subjects' widgets share."""

ELECT = "image editing/ELECT"
EDIT_MODELS = "image editing/edit models"
TINO = "image editing/TiNO-Edit"
JUDGING = "image editing/judging"
EMBEDDED = "image editing/embedded"

MAX_SEED = 0xFFFFFFFFFFFFFFFF
"""The largest that ComfyUI's seed widgets take."""
