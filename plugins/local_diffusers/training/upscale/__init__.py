"""Training of `local:pocket-upscale`."""
