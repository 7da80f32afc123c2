"""How often each instruction of an emulated program ran, and whose it is."""
