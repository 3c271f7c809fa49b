"""A real ComfyUI process of our own, driven over its HTTP API and its websocket.

links         the pack's folder linked into another one
comfy_server  the process: free port, its own folders
client        upload, queue, wait, look, interrupt
events        what the server says on the way
stand_in      the embedded model in a checkpoint's place
"""
