FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/clinic

COPY requirements.txt .
RUN pip install -r requirements.txt && useradd --system --no-create-home clinic

COPY . .
# Only the build needs these: collecting static files reads no secret and no database.
RUN SECRET_KEY=build PUBLIC_URL=https://build.invalid CLINIC_MODE=production DATABASE_URL=postgresql://build/build \
    REDIS_URL=redis://build python manage.py collectstatic --noinput

USER clinic
EXPOSE 8000
CMD ["gunicorn", "clinic.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket"]
