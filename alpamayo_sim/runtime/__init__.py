"""The same driving policy on torch, ONNX Runtime and TensorRT: one interface, export, and parity gates between them."""
