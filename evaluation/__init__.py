"""Evaluation of edits by the published protocols: data sets, columns, tables. No ComfyUI.

sample        one edit to be made, and what is known of it
pie_bench, magicbrush, listed, world     data sets in their own forms; nothing is downloaded
pixels        columns from pixels: the unedited part (PIE-Bench), L1 and L2 (MagicBrush)
results       pictures by method: no edit, paste back, folders of others
ledger        one record a (sample, method), written in one step
tables        means with intervals, paired differences
"""
