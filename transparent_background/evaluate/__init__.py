"""Measuring mattes: metrics, data sets, reports and plots (extra ``eval``)."""
