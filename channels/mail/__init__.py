"""E-mail: parsing, quote cutting, the SMTP server and the sender."""
