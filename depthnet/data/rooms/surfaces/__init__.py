"""What the surfaces of a rendered room look like."""
