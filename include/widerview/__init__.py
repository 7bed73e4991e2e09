"""Widerview: weekly client reports for social media agencies, on Apache Airflow."""

__version__ = "0.1.0"
