"""Drives the real ComfyUI from outside: for the demo, the tests and the authoring of workflows.

comfy_server  a ComfyUI process of our own, with the pack linked in
client        its HTTP API: submit, wait, fetch, interrupt
events        its websocket: progress, previews, cached and executing nodes
workflow      the workflow file the frontend saves -> the prompt the API takes
layout        the prompt -> a workflow file, laid out for people
recipes       the example workflows, as data; recipe_notes has their texts
author_workflows  writes workflows/*.json and their thumbnails from the recipes
demo          what `python3 dev.py demo` runs
"""
