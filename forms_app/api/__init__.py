"""Forms on the wire."""
