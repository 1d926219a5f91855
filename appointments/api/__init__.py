"""Services, appointments and visit summaries on the wire."""
