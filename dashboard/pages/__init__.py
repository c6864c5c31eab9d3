"""One file a page: thin routers that ask `queries`, hand frames to `figures` and fill a template."""
