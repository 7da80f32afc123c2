"""What goes to the phone, and where its parts come from."""
