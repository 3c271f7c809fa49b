"""The benchmark of TiNO-Edit on the embedded test split: what it gains, and what it costs.

variants  what runs, and setups: with which loss
contest   every loss, updates against tries: docs/tino_benchmark.md
elections, ranking, slopes   its parts
tasks     five kinds of edit whose truth is known
models    the embedded model, its losses and the networks that judge
blended   Blended Latent Diffusion, a baseline
methods   TiNO-Edit, its ablations, SDEdit and BLD on a batch of tasks
runs      every method on every batch, once; results kept in .cache/bench
measure   what each result is worth
results   the kept files of a plan, joined
tables    means over edits with bootstrap intervals, as Markdown
plots     curves over the iterations, and a grid of samples
cost      time and memory as ratios
report    docs/tino_benchmark_paper.md, from the kept files
command   the command line
"""
