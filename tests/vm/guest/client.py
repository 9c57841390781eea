# client.py ADDRESS PORT FILE [PATH]: asks for pages until it is killed, and writes a line for each: when it began, when it
# ended (seconds since the epoch), and the name that the server said or what went wrong. With a path: one page, and
# FILE.begun appears when its first part is there.
import socket
import sys
import time

address, port, file = sys.argv[1:4]
path = sys.argv[4] if len(sys.argv) > 4 else "/"

stage = ""
family = socket.AF_INET6 if ":" in address else socket.AF_INET


def ask():
    global stage
    with socket.socket(family) as connection:
        connection.settimeout(30)
        try:
            connection.connect((address, int(port)))
        finally:
            stage = f"from port {connection.getsockname()[1]}"
        connection.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
        data = b""
        while part := connection.recv(65536):
            if path != "/" and not data:
                open(file + ".begun", "w").close()
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    expected = int(head.rsplit(b"Content-Length: ", 1)[1])
    if len(body) != expected:
        raise OSError(f"{len(body)} of {expected} bytes")
    return body.split(b"\n")[0].decode()


with open(file, "a", buffering=1) as log:
    while True:
        begun = time.time()
        try:
            result = ask()
        except (OSError, IndexError, ValueError) as error:
            result = f"failed: {error!r} {stage}"
        log.write(f"{begun:.6f} {time.time():.6f} {result}\n")
        if path != "/":
            break
        time.sleep(0.05)
