"""Patients on the wire."""
