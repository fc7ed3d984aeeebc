"""Routes to learn on: practice towns, and scenarios in them and in ours, away from where agents are tested."""
