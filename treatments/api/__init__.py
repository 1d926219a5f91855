"""Treatment plans, sessions and adherence on the wire."""
