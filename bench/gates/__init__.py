"""Is everything still as good as it was? Accuracy, instructions and latency against baselines."""
