"""What runs a model: one adapter a file, all with the interface of `base.Runtime`."""
