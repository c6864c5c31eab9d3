"""Pages: server-rendered, Indonesian first, live through the feed, with no request to another host."""
