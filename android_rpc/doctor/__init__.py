"""Whether a phone is fit to be measured, and what to do where it is not."""
