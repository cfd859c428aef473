"""What of an audit log's events is noticed as unusual, and how often for nothing: `./dev bench anomalies`."""
