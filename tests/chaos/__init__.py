"""What `make chaos` runs: load, destruction, and a count of what is left. story.py tells it in order."""
