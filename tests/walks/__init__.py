"""Random walks over a whole clinic, and the laws that hold wherever a walk leads."""
