"""The host's sound: held until its time, decoded, played; and this machine's microphone."""
