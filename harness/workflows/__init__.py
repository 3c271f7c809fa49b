"""Workflows as files and as prompts: recipes -> prompt -> layout -> file, and back to a prompt.

recipes   what is wired, and the notes
widgets   which inputs of a node are widgets
layout    a prompt as a file that the frontend loads
workflow  that file as the prompt the API takes
"""
