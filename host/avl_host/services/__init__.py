"""The host's half of each feature, one file for each; `avl_host.assembly` registers them."""
