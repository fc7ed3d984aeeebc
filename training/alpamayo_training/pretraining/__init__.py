"""Vision pretraining: the vision tower learns from what the simulator knows of every image token, before any word."""
