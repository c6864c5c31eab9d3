"""What every page stands on: base template, log-in, language, viewer, rendering, security, statics, the kit."""
