"""Addresses of the endpoints that span apps."""

from django.urls import path

from staff.api.views import StatsView, TimelineView, UpcomingView

urlpatterns = [
    path("patients/<str:id>/timeline/", TimelineView.as_view(), name="patient-timeline"),
    path("patients/<str:id>/upcoming/", UpcomingView.as_view(), name="patient-upcoming"),
    path("automations/stats/", StatsView.as_view(), name="automations-stats"),
]
