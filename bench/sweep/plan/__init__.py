"""A plan: what is combined with what, whether all that it names is there, and its cells."""
