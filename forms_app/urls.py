"""The addresses of the patients' forms."""

from django.urls import path

from forms_app import views

app_name = "forms"
urlpatterns = [
    path("f/<str:token>/", views.overview, name="open"),
    path("f/<str:token>/<int:pk>/", views.fill, name="fill"),
]
