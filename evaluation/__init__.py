"""Evaluation of edits by the published protocols: data sets, columns, tables. No ComfyUI.

data          data sets by name
sample        one edit to be made, and what is known of it
pie_bench, magicbrush, gedit, parquet, listed, world     their own forms; nothing is downloaded
indexes       their index files, and what is wrong with one
runs          workflows over a data set, on one ComfyUI or several
pixels        columns from pixels: the unedited part (PIE-Bench), L1 and L2 (MagicBrush)
columns, clip_columns, dino_columns, lpips_column, judged     columns from models that are there
results       pictures by method: no edit, paste back, folders of others
ledger        one record a (sample, method), written in one step
measuring     methods, columns and ledger together
tables        means with intervals, paired differences, quality by calls
published, published_tino     the papers' tables with measured rows or columns
page          pictures side by side
"""
