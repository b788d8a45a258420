"""The way to the wire: who may be dialled, connections, names, HTTP, and this computer's place in the network."""
