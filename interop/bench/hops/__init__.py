"""`./dev bench hops`: what one datagram and one small message cost from socket to socket."""
