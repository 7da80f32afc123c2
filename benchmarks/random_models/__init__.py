"""Random ONNX models of one operator or a few, and what a hostile file may hold."""
