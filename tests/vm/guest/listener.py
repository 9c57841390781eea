# listener.py PORT ADDRESS FILE: a TCP server that takes connections and closes them. The file appears when it listens.
import socket
import sys

port, address, ready = sys.argv[1:]
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((address, int(port)))
server.listen(64)
open(ready, "w").close()
while True:
    connection, _ = server.accept()
    connection.close()
