"""The project package: settings, urls, the Celery app, and what every app may build on."""

from clinic.celery import app as celery_app

__all__ = ["celery_app"]
