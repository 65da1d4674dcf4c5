"""Verifies AWS signatures with botocore. Reads requests from standard input, one JSON object a line (method, url, headers, body in base64,
access_key_id, secret_access_key, region, service), and prints for each `ok`, or what is wrong."""

import base64
import json
import re
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def verify(sent):
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    authorization = headers.pop("authorization")
    pattern = r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
    match = re.fullmatch(pattern, authorization)
    if match is None:
        return f"malformed: {authorization}"
    key, _, region, service, names, signature = match.groups()
    if (key, region, service) != (sent["access_key_id"], sent["region"], sent["service"]):
        return f"of {key} for {service} in {region}"
    names = names.split(";")
    needed = {"host", "x-amz-date", "content-type"}
    if not needed <= set(names):
        return f"not signed: {needed - set(names)}"
    signed = {name: headers[name] for name in names}
    request = AWSRequest(sent["method"], sent["url"], headers=signed, data=base64.b64decode(sent["body"]))
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(key, sent["secret_access_key"]), service, region)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return "ok" if expected == signature else f"{signature} is not {expected}"


for line in sys.stdin:
    print(verify(json.loads(line)), flush=True)
