"""The procedural world: objects on backgrounds make scenes, edits change them, truth is known.

objects, backgrounds -> scene -> edits -> samples (every (split, index) is one edit)
success   did an edit succeed
examples  pictures that ship
"""
