"""ecg: train, judge and run ECG arrhythmia classifiers.

Importing the package loads neither torch nor pandas; each module loads what it needs.
"""

__version__ = "0.1.0"
