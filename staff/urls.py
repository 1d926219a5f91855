"""Addresses of the staff's pages."""

from django.urls import path
from django.views.generic import RedirectView

from staff import views

app_name = "staff"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="staff:home"), name="front-door"),
    path("staff/", views.home, name="home"),
    path("staff/patients/<int:pk>/summary/", views.patient_summary, name="patient-summary"),
    path("staff/notifications/<int:pk>/read/", views.read_notification, name="notification-read"),
    path("staff/tasks/<int:pk>/<slug:verb>/", views.move_task, name="task-move"),
]
