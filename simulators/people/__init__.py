"""Staff and citizens: what people do over HTTP in the course of a day."""
