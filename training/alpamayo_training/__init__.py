"""The command line, and the training pipeline above the simulator."""
