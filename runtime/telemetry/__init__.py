"""Metrics and traces of a host through OpenTelemetry: the extra `otel`. Nothing else imports what is in here."""
