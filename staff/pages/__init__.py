"""The pages, one module an area; each lists its addresses in `urlpatterns`, found by staff/urls.py."""
