"""Where people speak to the house by message: WhatsApp, SMS, USSD. Each mouth's own wire; the talk is the same."""
