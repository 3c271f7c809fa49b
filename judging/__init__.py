"""Judging edits and rewriting instructions with a model that sees. Pure Python: no ComfyUI.

question     what a model is asked, and what every model can do
pictures     arrays as what a server or a person is shown
rubrics      which numbers are wanted, and what they come to
answers      numbers out of what a model wrote: by schema, else tolerantly; never invented
verdicts     one edit judged, all of a batch judged
yes_no       questions made for one instruction, answered by a probability
knockout     pairs among candidates that tie
rewriting    other words for an instruction
clip_scores  judges without a language model: CLIP-T, CLIP-I, directional CLIP
address, chat, transport, waiting, endpoint
             any OpenAI-compatible server: where it may be, what is said, the calls, Cancel
"""
