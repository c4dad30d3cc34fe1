"""A decoded picture, its metadata, and conversions in and out."""
