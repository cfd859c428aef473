"""UDP: sockets that move batches of datagrams, and which connection each datagram belongs to."""
