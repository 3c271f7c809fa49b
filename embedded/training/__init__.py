"""The training stages, each a file; `embedded.train` and `embedded.train_teachers` run them.

run      a training that survives being killed
vae, editor, unet    the editing model; sampling  its grids
variants the UNets tuned from another; distil  those of few steps
clip, vgg, observer  the teachers
export, export_teachers  weights as they ship
"""
