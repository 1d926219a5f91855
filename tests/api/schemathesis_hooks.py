"""What Schemathesis must know of this API: how lines of JSON are written."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """Write one generated line twice, so that the second meets the first."""
    return (json.dumps(value) + "\n").encode() * 2


@schemathesis.deserializer("application/x-ndjson")
def first_line(ctx, response):
    """Read the first line of an answer."""
    return json.loads(response.content.splitlines()[0])
