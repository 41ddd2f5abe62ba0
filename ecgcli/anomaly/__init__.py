"""Unusual beats: a model of normal beats, fitted on normal beats alone.

forecaster.py   an LSTM that predicts the distribution of the next samples
autoencoder.py  the alternative: compress and reconstruct a beat
neighbours.py   distance of a beat from the normal beats most similar to it
model.py        network and neighbours in one file AnomalyModel, load_model
bands.py        forecasts with calibrated bands    forecast
fitting.py      beats CSV -> model                 fit, Settings
scoring.py      model + beats -> scores            score_file
report.py       scores -> a folder                 write_report
"""
