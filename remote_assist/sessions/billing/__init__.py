"""From seconds to money."""
