"""Verifies an event by the published rule alone, and prints what it finds: sh$ python3 verify.py < event.json

The event has its attributes by their CloudEvents names, its data in base64, and its writer's public key as PEM.
https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/verifiability.md
"""
import base64, datetime, hashlib, json, shutil, subprocess, sys, tempfile

event = json.load(sys.stdin)
attributes = event["attributes"]
sha256 = lambda text: hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest()


def zulu(time):
    """RFC 3339 in UTC; the fraction without zeros at its end."""
    whole, fraction = time[:19], ""
    rest = time[19:]
    if rest.startswith("."):
        digits = len(rest[1:]) - len(rest[1:].lstrip("0123456789"))
        fraction, rest = rest[1 : 1 + digits].rstrip("0"), rest[1 + digits :]
    moment = datetime.datetime.fromisoformat(whole + rest.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("." + fraction if fraction else "") + "Z"


digests = b""
for name in ["id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"]:
    value = attributes.get(name, "")
    digests += sha256(zulu(value) if name == "time" and value else value)
digests += sha256(base64.b64decode(event["data"]))
for name in attributes["signedextattrs"].split(","):
    digests += sha256(name) + sha256(attributes.get(name, ""))

envelope = json.loads(base64.b64decode(attributes["dssematerial"]))
payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
if payload != sha256(digests):
    sys.exit("changed")
if shutil.which("openssl") is None:
    sys.exit("no openssl")
encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as signature, tempfile.NamedTemporaryFile() as message:
    for file, content in [(key, event["public_key"].encode()), (message, encoded), (signature, base64.b64decode(envelope["signatures"][0]["sig"]))]:
        file.write(content)
        file.flush()
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key.name, "-rawin", "-in", message.name, "-sigfile", signature.name],
                          capture_output=True)
print("verified" if done.returncode == 0 else "forged")
