"""Who somebody is: passwords, second factors, sessions, tokens and sign-in elsewhere. No HTTP and no database here."""
