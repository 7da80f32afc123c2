"""What is put on a phone or board for the time of a measurement, and taken away again."""
