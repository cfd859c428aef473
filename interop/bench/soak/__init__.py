"""`./dev bench soak`: hours of joins, leaves, losses and moves, and what is still there when everybody has gone."""
