"""The agent that a vision-language-action model drives."""
