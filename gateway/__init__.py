"""The composition root, the web and the desk."""
