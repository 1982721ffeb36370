"""From the reply to the person: playback, screen, recorder."""
