"""What ELECT and TiNO-Edit cost on a GPU, with random weights of real sizes; no file is needed.

`command` starts one process a part, so that none changes another's memory, and writes the page.
`scenes` builds the models, `parts` names the parts, and each of these measures one subject:
`speed`, `memory`, `weights`, `syncs`, `truth`, `tino`.
"""
