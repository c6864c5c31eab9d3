"""What each batch was exposed to along its road; holds, releases, dispositions."""
