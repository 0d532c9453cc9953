"""Sites made of machines that are reached over ssh."""
