"""Message templates, notifications and deliveries on the wire."""
