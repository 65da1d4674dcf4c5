"""ClickHouse's HTTP interface before its own engine (chdb), as far as exporters use it.

The engine parses, decompresses, deduplicates and refuses; this only carries statements, bodies and settings to it, and its exceptions back
with their code. Arguments: the folder of its data, the port (0: any), and a user and a password that it asks for, or none. It prints the port
when it is ready.
"""

import json
import os
import re
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

data, port, user, password = (sys.argv[1:] + ["", ""])[:4]
engine = session.Session(os.path.join(data, "engine"))
one_at_a_time = threading.Lock()

# What isn't a setting of the engine, but of HTTP.
OF_HTTP = {
    "query", "database", "user", "password", "wait_end_of_query", "default_format", "client_protocol_version", "compress", "decompress", "query_id",
}
COMPRESSIONS = {"": "none", "lz4": "lz4", "zstd": "zstd", "gzip": "gzip"}
# As in the server's HTTPHandler.cpp; all others are 500.
STATUSES = {516: 401, 497: 403, 60: 404, 81: 404, 16: 400, 47: 400, 53: 400, 62: 400, 36: 400, 252: 500, 159: 408}


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def run(statement, form="TabSeparated"):
    with one_at_a_time:
        try:
            return engine.query(statement, form).bytes()
        except Exception as error:
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            raise Refused(int(code.group(1)) if code else 1002, text) from None


def quoted(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def native(answer):
    """Rows in the native format as the newest clients ask for it, which is another one than the engine writes by itself: with information on the
    block, and a byte for each column's serialization. Texts and 32-bit numbers, which is what they ask for before they insert."""
    if not answer:
        return b""
    answer = json.loads(answer)
    block = b"\x01\x00\x02\xff\xff\xff\xff\x00" + varint(len(answer["meta"])) + varint(len(answer["data"]))
    for index, column in enumerate(answer["meta"]):
        block += text(column["name"]) + text(column["type"]) + b"\x00"
        for row in answer["data"]:
            block += text(row[index]) if column["type"] == "String" else struct.pack("<I", row[index])
    return block


def text(value):
    return varint(len(value.encode())) + value.encode()


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.body()
        try:
            if user and (self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")) != (user, password):
                raise Refused(516, f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)")
            self.answer(200, self.execute(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)), body))
        except Refused as refused:
            self.answer(STATUSES.get(refused.code, 500), str(refused).encode(), refused.code)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def execute(self, parameters, body):
        statement = parameters.get("query", "")
        settings = ", ".join(f"{name} = {quoted(value)}" for name, value in parameters.items() if name not in OF_HTTP)
        if not re.match(r"\s*INSERT\b", statement, re.I):
            statement = (statement + " " + body.decode()).strip()
            if parameters.get("default_format") == "Native":
                return native(run(statement, "JSONCompact"))
            return run(statement)
        into, form = re.fullmatch(r"(.*?)\s+FORMAT\s+(\w+)\s*", statement, re.S | re.I).groups()
        path = os.path.join(data, f"body-{threading.get_ident()}")
        with open(path, "wb") as file:
            file.write(body)
        try:
            compression = COMPRESSIONS[self.headers.get("Content-Encoding", "")]
            settings = f"SETTINGS {settings}" if settings else ""
            return run(f"{into} FROM INFILE {quoted(path)} COMPRESSION '{compression}' {settings} FORMAT {form}")
        finally:
            os.remove(path)

    def answer(self, status, body, code=None):
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", "chdb")
        self.send_header("Content-Length", str(len(body)))
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", int(port)), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
