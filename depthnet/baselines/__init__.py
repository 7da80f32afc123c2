"""The networks that the paper compares with (table I), one a file."""
