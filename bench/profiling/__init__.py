"""Where the time of an inference goes, kernel by kernel, and the peak of the machine."""
