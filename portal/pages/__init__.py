"""The portal's pages; each module names its own addresses in `urlpatterns`."""
