"""The viewer's half of each feature, one file for each; `avl_viewer.assembly` registers them."""
