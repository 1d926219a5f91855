"""The project package: settings, urls, the Celery app, and what every app may build on."""

import gc

# A process that starts makes half a million objects that stay until it ends. At Python's own pace the collector walks
# through them again and again and finds nothing: a fifth of the time of every start, and a part of all that follows.
gc.set_threshold(50_000, 20, 50)
