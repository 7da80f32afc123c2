"""A network as an ONNX file, and whether the file is up to date."""
