"""Training of the pocket model: drawn scenes, their captions, and the stages that learn from them."""
