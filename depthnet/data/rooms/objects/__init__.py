"""What stands in a rendered room."""
