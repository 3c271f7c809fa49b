"""The benchmark on the embedded test split: does election work, what does it cost.

edits     test edits as ComfyUI guiders of the embedded model
rules     by what candidates are elected: mask, space, criterion, guard
runs      every seed of every edit in full, once; tapes kept in .cache/bench
worth     what a finished picture is worth by the ground truth
measure   that of each candidate, and who is elected by every rule
policies  which candidate each policy elects, with bootstrap intervals
stops     how early each stop chooses as the end does
section   one sampler's measurements as tables
report    pages and plots in docs/
system    time outside the model, batching, memory
scale     what very many edits cost, on paper
tino      the benchmark of TiNO-Edit
"""
