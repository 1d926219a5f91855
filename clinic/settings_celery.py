"""How Celery carries wake-ups that may all be lost: nothing is acknowledged late, kept, retried or answered."""

from clinic.servers import queues

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "engine"
CELERY_TASK_QUEUES = queues()
CELERY_TASK_ROUTES = {
    "automations.tasks.*": {"queue": "engine"},
    "staff.tasks.*": {"queue": "engine"},
    "messaging.tasks.*": {"queue": "deliver"},
}
CELERY_BEAT_SCHEDULE = {
    task.replace(".tasks.", "-"): {"task": task, "schedule": 1.0, "options": {"expires": 5}}
    for task in ("automations.tasks.tick", "automations.tasks.sweep", "staff.tasks.tick", "messaging.tasks.tick")
}
CELERY_BEAT_SCHEDULER = "clinic.celery.MemoryScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BROKER_CONNECTION_RETRY = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: a broker that is away comes back
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 60,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
