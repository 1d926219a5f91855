"""The project package: settings, urls, the Celery app, and what every app may build on."""
