"""The demo's mailer: has letters to send, finds no mail server, and ends with an error each time."""

import os
import socket
import sys
import time

if __name__ == "__main__":
    port = int(os.environ.get("SMTP_PORT") or sys.argv[1])
    print(f"3 letters wait, connecting to 127.0.0.1:{port}", flush=True)  # noqa: T201
    time.sleep(1.5)
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        print(f"\x1b[31mERROR\x1b[0m no letter was sent: {error}", flush=True)  # noqa: T201
        sys.exit(1)
