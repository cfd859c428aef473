"""What the host does for its viewers, a feature a file; `avl_host.assembly` registers them."""
