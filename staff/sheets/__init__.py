"""Spreadsheets: read, understood, checked, written into the records, and made from them."""
