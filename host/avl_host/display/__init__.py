"""The size of the host's display: changed so that a desktop fits a viewer's window, and put back."""
