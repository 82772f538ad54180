"""A subscriber on loopback that keeps what it gets."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEADLINE = 30.0


class Subscriber:
    """Answers 200, and under /fail 500. Keeps each webhook as its path, headers and body."""

    def __init__(self):
        self._came = threading.Condition()
        self._received = []
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(500 if self.path.startswith("/fail") else 200)
                answer = b'{"taken": true}'
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                with subscriber._came:
                    subscriber._received.append((self.path, dict(self.headers.items()), body))
                    subscriber._came.notify_all()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def wait(self, path, message_id=None, count=1):
        """The headers and bodies with which a message, or any, came to a path, once they are so many."""

        def found():
            return [
                (headers, body)
                for at, headers, body in self._received
                if at == path and message_id in (None, lowered(headers).get("webhook-id"))
            ]

        with self._came:
            assert self._came.wait_for(lambda: len(found()) >= count, DEADLINE), (
                f"{message_id} did not come {count} times to {path}: {found()}"
            )
            return found()

    def paths_of(self, message_id):
        with self._came:
            return {at for at, headers, _ in self._received if lowered(headers)["webhook-id"] == message_id}


def lowered(headers):
    return {name.lower(): value for name, value in headers.items()}
