"""Who calls, for which clinic, and what every endpoint does around its one service call."""
