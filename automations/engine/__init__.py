"""The rule engine. Pure: the standard library only, no Django, no I/O, no clock (`now` is an argument)."""
