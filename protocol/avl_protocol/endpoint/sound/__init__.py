"""Sound of this machine: Opus, and PulseAudio's client library, which PipeWire serves too."""
