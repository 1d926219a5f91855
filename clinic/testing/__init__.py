"""What the tests of every app share: databases of their own, private servers, real workers, and how long to try."""

import os

PROOF = os.environ.get("PROOF") == "1"


def rounds(sample: int, proof: int) -> int:
    """Return how often to try: `sample` in `make test`, `proof` in `make proof` (mark such a test `proof`)."""
    return proof if PROOF else sample
