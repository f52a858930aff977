"""ComfyUI for Diorama: workflows and checkpoints of any number of servers as models."""
