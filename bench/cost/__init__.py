"""What does an inference cost on a phone's CPU that is emulated? Instructions, and an estimate."""
