"""The model server: agents of ours drive in other people's evaluators, over a WebSocket on the loopback interface."""
