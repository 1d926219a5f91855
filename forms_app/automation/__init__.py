"""What forms offer to rules; discovered, never listed."""
