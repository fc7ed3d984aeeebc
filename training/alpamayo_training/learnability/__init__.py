"""Learnability: a small convolutional probe learns what driving needs to see, from the cameras of the embedded server.

`python -m alpamayo_training.learnability data | train | test | all` does it; docs/learnability.md tells what came out.
"""
