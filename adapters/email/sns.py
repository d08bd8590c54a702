"""Amazon SNS over HTTP: who signed a message, and with which certificate.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html. The
certificate lies at an address of the message: taken only from SNS's own hosts, so that TLS to that host proves it.
Pure; fetching is done by who calls.
"""

from __future__ import annotations

import binascii
import re
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from msgspec import Struct

from adapters.base import Forged

_HOST: Final = re.compile(r"sns\.[a-z]{2}(?:-[a-z]{2,10}){1,3}-[0-9]\.amazonaws\.com(?:\.cn)?")
_ARN: Final = re.compile(r"arn:aws[a-z-]{0,10}:sns:[a-z0-9-]{4,30}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_NAMES: Final = ("sns.amazonaws.com", "sns.amazonaws.com.cn")


class Message(Struct, frozen=True, rename="pascal"):
    """What SNS posts."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    subscribe_url: str | None = msgspec.field(default=None, name="SubscribeURL")
    token: str | None = None

    def __repr__(self) -> str:
        return f"Message({self.type!r}, {len(self.message)} characters)"


_decode = msgspec.json.Decoder(Message).decode


def read_message(body: bytes) -> Message:
    """The message, or Forged: what is not even one proves nothing."""
    if body.count(b'"Signature"') != 1:  # two readers could take different ones; inside a text its quotes are escaped
        raise Forged("not signed, or signed twice")
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Forged("not a message of SNS") from None


def is_sns_address(url: str, topic_arn: str) -> bool:
    """Whether an address lies at SNS in the region of the topic: https, the exact host, no port, no user."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    region = topic_arn.split(":")[3] if _ARN.fullmatch(topic_arn) else ""
    plain = parts.netloc == host and port is None and parts.scheme == "https" and "\\" not in url
    return plain and bool(_HOST.fullmatch(host)) and bool(region) and host.split(".")[1] == region


def verify_message(message: Message, certificate: bytes) -> None:
    """Raise Forged unless this certificate's key signed the message. Version 1 is SHA-1, 2 is SHA-256."""
    algorithm = {"1": SHA1(), "2": SHA256()}.get(message.signature_version)  # noqa: S303  # version 1 is what SNS defaults to
    fields = _SIGNED.get(message.type)
    if algorithm is None or fields is None:
        raise Forged("a version of signature or a type of message that SNS does not document")
    values = {
        **{"Message": message.message, "MessageId": message.message_id, "Subject": message.subject},
        **{"SubscribeURL": message.subscribe_url, "Timestamp": message.timestamp, "Token": message.token},
        **{"TopicArn": message.topic_arn, "Type": message.type},
    }
    said = "".join(f"{name}\n{values[name]}\n" for name in fields if values[name] is not None)
    try:
        key = x509.load_pem_x509_certificates(certificate)[0].public_key()
        signature = binascii.a2b_base64(message.signature.encode("ascii"), strict_mode=True)
        if not isinstance(key, RSAPublicKey):
            raise Forged("the certificate holds no RSA key")
        key.verify(signature, said.encode("utf-8", "surrogatepass"), PKCS1v15(), algorithm)
    except (ValueError, IndexError, InvalidSignature):
        raise Forged("the signature is not made by this certificate's key") from None


def check_certificate(chain: bytes, authorities: bytes | None, at: datetime) -> None:
    """Raise Forged unless the certificate is SNS's, valid, and where authorities are given one of theirs.

    SNS serves the leaf alone, so its chain ends outside of what is served; that TLS to SNS's host is proved counts
    then.
    """
    try:
        leaf, *between = x509.load_pem_x509_certificates(chain)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        given = names.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound):
        raise Forged("what lies at SigningCertURL is no certificate with a name") from None
    name = next((each for each in given if each in _NAMES or _HOST.fullmatch(each)), None)
    if name is None or not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise Forged("the certificate is not SNS's, or not valid now")
    if authorities is not None:
        store = Store(x509.load_pem_x509_certificates(authorities))
        try:
            PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(name)).verify(leaf, between)
        except VerificationError:
            raise Forged("the certificate is not by an authority we trust") from None
