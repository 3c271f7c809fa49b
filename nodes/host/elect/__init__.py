"""Candidates through a GUIDER and a SAMPLER.

origin    whose code it is; harmless: code that was read, and why it may stay
attached  what other nodes hung on a model, and whether it may remember
batching  what can run side by side and still be true to each seed, and how much of it
packing   into which batches
noise     each candidate's own noise, whoever runs beside it; texts: its own text, moved a little
taped     a guider that records, stops and replays
run       candidates through a sampler, in chunks
finish    the rest of them, as begun; otherwise: with other steps or another sampler
"""
