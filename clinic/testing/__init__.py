"""What the tests of every app share: slots, servers, workers, and a server of email."""
