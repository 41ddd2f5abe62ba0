"""Beats and recordings -> tables of predictions."""
