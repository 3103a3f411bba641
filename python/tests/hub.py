"""A hub of one repository on the loopback interface, as huggingface_hub asks for it."""

import hashlib
import http.server
import json
import threading

COMMIT = "1" * 40


def serve(files):
    """Starts a server of these files by name; the caller shuts it down."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def answer(self, body):
            path = self.path.partition("?")[0]
            name = path.rpartition("/")[2]
            if path.startswith("/api/models/"):
                siblings = [{"rfilename": it} for it in sorted(files)]
                data = json.dumps({"id": "org/model", "sha": COMMIT, "siblings": siblings, "private": False}).encode()
                if "/tree/" in path:
                    data = json.dumps(
                        [
                            {"type": "file", "path": it, "size": len(files[it]), "oid": hashlib.sha1(files[it]).hexdigest()}
                            for it in sorted(files)
                        ]
                    ).encode()
                kind = "application/json"
            elif name in files:
                data, kind = files[name], "application/octet-stream"
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
