"""Pure figures: a frame in, a plotly figure out. No database, no web, no clock."""
