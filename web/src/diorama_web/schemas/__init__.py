"""What goes in and out, as types: the OpenAPI document and the checks of bodies are made from these."""
