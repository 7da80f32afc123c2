"""What programs use a packaged network by: Java, Python, CMake, pkg-config."""
