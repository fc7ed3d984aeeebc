"""The driving model for speed: the same weights and the same results as transformers' classes, computed with a fixed cache.

On a GPU words are written and the flow runs by CUDA graphs over fused kernels; elsewhere the same code runs operation by
operation, so that it is tested where there is no GPU.
"""
