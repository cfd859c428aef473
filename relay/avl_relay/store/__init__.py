"""What a relay keeps of people, devices and permissions: one database, of SQLite or PostgreSQL."""
