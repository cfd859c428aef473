"""Settings of a program: where they come from, what each is for, and what is wrong with them."""
