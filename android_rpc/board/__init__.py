"""What boards with Linux have in common, whether they are reached over ssh or are this machine."""
