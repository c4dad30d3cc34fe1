"""Reading and writing films with PyAV (extra ``video``), which is imported when a film is opened."""
