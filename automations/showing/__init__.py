"""Rules, runs and answers laid out for people: what the admin, the staff's pages and the API show alike."""
