"""Accounts: the rules of people/ applied to what the store keeps. Nothing of HTTP is here."""
