"""A compiled network as a C library that needs neither TVM nor Python."""
