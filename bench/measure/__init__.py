"""Take times: how many samples, in which order, on which device, and whether they are valid."""
