"""Commands of an account, one file a subject. What one needs is loaded when it runs."""
