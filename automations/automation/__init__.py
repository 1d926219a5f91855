"""What the engine itself offers to rules; discovered, never listed."""
