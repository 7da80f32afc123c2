"""depthbench as a library, and what its four packages share: errors, files, child processes."""
