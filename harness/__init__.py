"""Drives the real ComfyUI from outside: for the demo, the tests and the authoring of workflows.

server     a ComfyUI process of our own and its HTTP API
workflows  the example workflows: recipes -> prompt -> file, and back
pictures   contact sheets, thumbnails, screenshots
summary    what a run did; demo  what `python3 dev.py demo` runs
"""
