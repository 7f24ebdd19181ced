"""Metrics as a monitoring system reads them: what the names mean, the text format, MinIO's names, tokens.

Knows neither processes nor HTTP: what was counted comes in, text goes out.
"""
