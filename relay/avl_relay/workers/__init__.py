"""Several worker processes behind one address: who does what, and how they reach each other."""
