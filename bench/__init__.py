"""Measure accuracy and cost, keep the raw samples, report them; the command line."""
