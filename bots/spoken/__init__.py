"""What is written, as people say it: English, 中文, latviešu."""
