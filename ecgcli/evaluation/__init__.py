"""Predictions and truth -> figures -> report; models compared."""
