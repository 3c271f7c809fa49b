"""What training reads: edits as cached latents, batches of them, pictures for the teachers."""
