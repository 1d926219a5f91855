"""What every test can ask for."""

pytest_plugins = ["clinic.testing.fixtures", "tests.cast"]
