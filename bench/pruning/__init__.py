"""Networks with fewer channels at the same accuracy, by the cycles that their code takes."""
