"""Read an ONNX model, write out what TVM does not know, and hand it to TVM."""
