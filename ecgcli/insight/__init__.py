"""Insight into beats and models: embedding, clusters, similar beats, explanations."""
