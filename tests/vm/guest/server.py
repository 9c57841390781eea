# server.py NAME PORT FILE: a web server that says its name; /drip takes five seconds to do so. The file appears when it listens.
import socket
import sys
import threading
import time

name, port, ready = sys.argv[1:]
TEXT = name.encode() + b"\n"


def answer(connection):
    with connection:
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(4096)
                if not part:
                    return
                request += part
            drips = 50 if request.startswith(b"GET /drip ") else 1
            head = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(TEXT) * drips)
            connection.sendall(head + TEXT)
            for _ in range(drips - 1):
                time.sleep(0.1)
                connection.sendall(TEXT)
        except OSError:
            pass


server = socket.create_server(("", int(port)), family=socket.AF_INET6, backlog=256, dualstack_ipv6=True)
open(ready, "w").close()
while True:
    connection, _ = server.accept()
    threading.Thread(target=answer, args=(connection,), daemon=True).start()
