"""From the microphone to the turn: sources, voice activity, end of turn."""
