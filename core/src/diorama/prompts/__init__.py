"""Reading prompts."""
