"""The demo's mailbox."""

from django.urls import path

from messaging import views

urlpatterns = [
    path("mail/", views.mailbox, name="mailbox"),
    path("mail/<str:id>/", views.caught_mail, name="caught-mail"),
]
