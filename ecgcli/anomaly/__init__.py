"""Unusual beats: what normal beats look like is learnt from normal beats alone.

forecaster.py   an LSTM that predicts the next samples with a distribution
autoencoder.py  the alternative: squeeze and rebuild
neighbours.py   how far a beat lies from the normal beats most like it
model.py        both together in one file          AnomalyModel, load_model
bands.py        forecasts with calibrated bands    forecast
fitting.py      beats CSV -> model                 fit, Settings
scoring.py      model + beats -> scores            score_file
report.py       scores -> a folder                 write_report
"""
