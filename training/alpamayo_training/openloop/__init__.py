"""Open-loop evaluation: a model's plans and words against what was driven, without driving them."""
