"""From the broker: the link, the topics, the pipeline that commits before it acknowledges."""
