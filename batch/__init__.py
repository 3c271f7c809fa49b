"""Many pictures through one workflow, on one ComfyUI server or several.

places     the inputs of a workflow that differ from picture to picture
jobs       one picture's share of the work, and what came of it
servers    one ComfyUI at its address: hand in, wait, fetch
fleet      several of them: one job in flight each, the freest first, again elsewhere
ray_worker, ray_cluster   the same servers as actors of a Ray cluster
book       one record a (sample, method), written in one step
running    jobs, servers and book together
pictures   the folder or table that `edit` reads
"""
