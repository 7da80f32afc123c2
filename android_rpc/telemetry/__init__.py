"""What a phone says of itself: cores, clocks, temperatures."""
