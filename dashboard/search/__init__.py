"""Finding a facility, a batch, a shipment or a sensor by what one knows of it."""
