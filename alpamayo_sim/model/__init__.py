"""The driving model in torch: a Qwen3-VL backbone of transformers, trajectory tokens and a flow-matching action expert.

`config` and `presets` need no torch; `driving_model` holds the network, `generation` samples from it, `losses` trains it,
`checkpoint`, `graft` and `published` read and write folders of weights.
"""
