"""The networks of the MobileDepth paper: definition, data, training, scoring, ONNX export."""
