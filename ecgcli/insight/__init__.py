"""A closer look at beats and models: embedding, clusters, similar beats, explanations."""
