"""What messaging offers to rules."""
