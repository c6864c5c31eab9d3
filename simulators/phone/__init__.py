"""A phone to play with: WhatsApp, SMS and `*119#` in a browser, in the place of somebody's own."""
