"""The embedded model: a tiny instruction-editing model and the world whose truth is known.

The flow is the order of the words: objects, backgrounds -> scene -> edits -> world -> success;
vae, unet, text -> train -> model.  H = W = 128 pixels, h = w = 16 latent cells, C = 4 channels.
"""
