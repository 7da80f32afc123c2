"""Training: recipes, samples in memory, and a loop that resumes to the bit."""
