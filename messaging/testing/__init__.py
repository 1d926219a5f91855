"""Mail servers for tests: real SMTP on this machine."""
