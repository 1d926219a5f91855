"""Races on real connections: what people do against what the engine and the mail do at the same moment."""
