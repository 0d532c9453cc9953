"""Pictures as shapes in pixels, and those as inline SVG."""
