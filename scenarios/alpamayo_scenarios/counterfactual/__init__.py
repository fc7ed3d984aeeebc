"""What would have happened without it: an episode driven again to a moment, one thing changed, and driven on."""
