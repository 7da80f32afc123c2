"""ONNX model in, linked artefact for a named target out, compiled by Apache TVM."""
