"""Amazon SES over SNS, signed with a certificate of an authority made here."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.email import mails
from tests.contract.channels.harness import Body, HarnessBase

TOPIC = "arn:aws:sns:us-east-1:012345678912:mail"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=t"


class Authority:
    """Makes certificates."""

    def __init__(self) -> None:
        self.key = generate_private_key(65537, 2048)
        self.certificate = self._sign("Test Authority", self.key, is_authority=True)

    def _sign(self, name: str, key: RSAPrivateKey, *, is_authority: bool, days: int = 30) -> x509.Certificate:
        now = datetime.now(UTC)
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        usage = x509.KeyUsage(not is_authority, False, False, False, False, is_authority, is_authority, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if not is_authority:
            server = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False).add_extension(server, critical=False)
        return builder.sign(self.key, SHA256())

    def leaf(self, name: str = "sns.amazonaws.com", days: int = 30) -> tuple[RSAPrivateKey, bytes]:
        """A key and its certificate as PEM."""
        key = generate_private_key(65537, 2048)
        return key, self._sign(name, key, is_authority=False, days=days).public_bytes(Encoding.PEM)

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self.certificate.public_bytes(Encoding.PEM)


@cache
def world() -> tuple[Authority, RSAPrivateKey, bytes]:
    """One authority with SNS's certificate, for all tests."""
    authority = Authority()
    return authority, *authority.leaf()


def ago(seconds: int) -> str:
    """A time as SNS writes it."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message(text: str, key: RSAPrivateKey | None = None, *, version: str = "2", **changes: Any) -> dict[str, Any]:
    """A message of SNS, signed as its document says."""
    said: dict[str, Any] = {"Type": "Notification", "MessageId": str(uuid4()), "TopicArn": TOPIC, "Message": text}
    said |= {"Subject": "Amazon SES Email Receipt Notification", "Timestamp": ago(0)}
    said |= {"SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL} | changes
    if said["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text_to_sign = "".join(f"{name}\n{said[name]}\n" for name in names if said.get(name) is not None)
    algorithm = SHA256() if version == "2" else SHA1()  # noqa: S303
    signature = (key or world()[1]).sign(text_to_sign.encode(), PKCS1v15(), algorithm)
    return said | {"Signature": b64encode(signature).decode()}


def confirmation(**changes: Any) -> dict[str, Any]:
    """What SNS sends first."""
    given = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": SUBSCRIBE_URL, "Subject": None}
    return message("You have chosen to subscribe.", **(given | changes))


class Harness(HarnessBase):
    """SES. The signature stands in the body, over what it says but not over all of it; the secret in the address."""

    order_decides_customers = True
    account: ClassVar[AccountConfig] = mails.account("ses", topic_arn=TOPIC, certificate=world()[2].decode())
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        said = message(mails.fixture("ses_base64.json").decode())
        compact = json.dumps(said, separators=(",", ":")).encode()
        return self._request(compact, secret or mails.SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        text = body.decode("utf-8", "surrogatepass")
        return self._request(json.dumps(message(text)).encode("utf-8", "surrogatepass"), mails.SECRET)

    def _request(self, body: bytes, secret: str) -> WebhookRequest:
        request = mails.request("ses", body, ("content-type", "text/plain; charset=UTF-8"))
        return replace(request, query=f"secret={secret}", received_at=datetime.now(UTC))

    def unsigned(self) -> WebhookRequest:
        said = message(mails.fixture("ses_base64.json").decode())
        del said["Signature"]
        return self._request(json.dumps(said).encode(), mails.SECRET)

    def proof_twice(self) -> WebhookRequest:
        request = self.signed()
        return replace(request, body=request.body.replace(b"{", b'{"Signature":"AAAA",', 1))

    def stale(self) -> WebhookRequest:
        said = message(mails.fixture("ses_base64.json").decode(), Timestamp=ago(4000))
        return self._request(json.dumps(said).encode(), mails.SECRET)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        names = ("ses_base64.json", "ses_utf8.json", "ses_headers_only.json")
        version_1 = message(mails.fixture("ses_base64.json").decode(), version="1")
        return {name: mails.fixture(name) for name in names} | {
            "version 1": self._request(json.dumps(version_1).encode(), mails.SECRET)
        }

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "cut": mails.fixture("ses_base64.json")[:200],
            "another kind": b'{"notificationType": "Bounce", "mail": {}, "receipt": {}}',
            "no id": mails.fixture("ses_base64.json").replace(b"d6iitobk75ur44p8kdnnp7g2n800", b""),
        }

    def deep(self) -> Body:
        return Body(b'{"mail": ' + b"[" * 1000 + b"]" * 1000 + b"}")

    def long_number(self) -> Body:
        return Body(b'{"mail": ' + b"9" * 5000 + b"}")

    def lone_surrogate(self) -> Body:
        return Body(mails.fixture("ses_utf8.json").replace(b"plain", b"\\ud800"))

    def nul(self) -> Body:
        said = mails.fixture("ses_utf8.json").replace(b"plain", b"\\u0000").replace(b"n801", b"n810")
        return Body(said, "entry")

    def unknown_kind(self) -> Body:
        return Body(b'{"notificationType": "Future", "mail": {}, "receipt": {}}')

    def foreign(self) -> Body:
        source = mails.fixture("ses_base64.json").replace(b'"recipients": ["support@', b'"recipients": ["sales@')
        return Body(source)
