"""The operator's overlay file: private models, negotiated prices and corrections."""
