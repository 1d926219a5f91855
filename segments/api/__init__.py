"""Segments on the wire."""
