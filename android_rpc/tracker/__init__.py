"""Where devices register and clients ask for them."""
