"""Statistics of samples: intervals, ratios, regressions, warm-up."""
