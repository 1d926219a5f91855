"""The addresses of the patients' forms."""

from django.urls import path

from forms_app import entrance, views

app_name = "forms"
urlpatterns = [
    path("f/<str:token>/", views.overview, name="open"),
    path("f/<str:token>/again/", entrance.again, name="again"),
    path("f/<str:token>/<int:pk>/", views.fill, name="fill"),
    path("f/<str:token>/<int:pk>/receipt.pdf", views.signed, name="receipt"),
]
