"""What the viewer does with what hosts tell and take, a feature a file; `avl_viewer.assembly` registers them."""
