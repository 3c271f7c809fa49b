"""What dev.py makes before it runs anything; imports nothing but the standard library.

steps        commands with their output shown, whole folders or none
environment  .venv with the pinned requirements
hosts        ComfyUI: fetched, or your own, with the packages it wants
set_up       all of it, and the environment for child processes
"""
