"""From data sets to batches: what is held out, held in memory, augmented."""
