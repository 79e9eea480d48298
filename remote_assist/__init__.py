"""Remote Assist: help by live video, with every second of it accounted for."""

__version__ = "0.1.0"
