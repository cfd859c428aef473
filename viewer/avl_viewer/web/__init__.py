"""The browser client: files that a relay serves as they are; found through the entry-point group `avl.static`."""
