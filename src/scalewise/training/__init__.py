"""Training: recipe in, checkpoints and curves out."""
