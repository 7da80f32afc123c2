"""How each operator is computed and scheduled, one operator family a file."""
