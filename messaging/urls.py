"""The demo's mailbox, and the service worker of web push."""

from django.urls import path

from messaging import push_views, views

urlpatterns = [
    path("push-worker.js", push_views.worker, name="push-worker"),
    path("mail/", views.mailbox, name="mailbox"),
    path("mail/<str:id>/", views.caught_mail, name="caught-mail"),
]
