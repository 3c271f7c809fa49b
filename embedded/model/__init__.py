"""The networks of the embedded model and how ComfyUI gets them.

text, unet, vae  the modules; observers  the ones that only look
objectives       what the UNet predicts
shipped          the weights, read without ComfyUI; comfyui  as MODEL, CLIP and VAE
"""
