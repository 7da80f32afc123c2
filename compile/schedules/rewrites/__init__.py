"""Changes to a loop nest that is already scheduled: prefetching, parallel loops, bias."""
