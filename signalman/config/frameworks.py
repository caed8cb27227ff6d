"""The environment variables that FrameWorks deployments already set for their services.

Other names with the same prefixes (``KAFKA_CLUSTER_ID`` and more) belong to other services and are left alone. An
empty value means unset there, so it does here.
"""

from collections.abc import Iterator, Mapping

from signalman.config.environment import FILE, kind_of, typed
from signalman.config.gathered import Gathered, Origin

NAMES: Mapping[str, tuple[str, ...]] = {
    "KAFKA_BROKERS": ("kafka", "brokers"),
    "KAFKA_GROUP_ID": ("kafka", "group_id"),
    "KAFKA_CLIENT_ID": ("kafka", "client_id"),
    "ANALYTICS_KAFKA_TOPIC": ("kafka", "topics", "analytics"),
    "SERVICE_EVENTS_KAFKA_TOPIC": ("kafka", "topics", "service"),
    "DECKLOG_DLQ_KAFKA_TOPIC": ("kafka", "dead_letter_topic"),
    "MIRROR_REGION_PREFIXES": ("kafka", "mirror_regions"),
    "KAFKA_TLS": ("kafka", "tls"),
    "KAFKA_CA_FILE": ("kafka", "ca_file"),
    "KAFKA_CERT_FILE": ("kafka", "certificate_file"),
    "KAFKA_KEY_FILE": ("kafka", "key_file"),
    "KAFKA_SASL_MECHANISM": ("kafka", "sasl_mechanism"),
    "KAFKA_SASL_USERNAME": ("kafka", "sasl_username"),
    "KAFKA_SASL_PASSWORD": ("kafka", "sasl_password"),
    "REDIS_URL": ("redis", "url"),
    "CLICKHOUSE_HOST": ("clickhouse", "host"),
    "CLICKHOUSE_PORT": ("clickhouse", "port"),
    "CLICKHOUSE_DB": ("clickhouse", "database"),
    "CLICKHOUSE_USER": ("clickhouse", "user"),
    "CLICKHOUSE_PASSWORD": ("clickhouse", "password"),
    "CLICKHOUSE_SECURE": ("clickhouse", "tls"),
    "CLICKHOUSE_TLS": ("clickhouse", "tls"),
    "CLICKHOUSE_CA_FILE": ("clickhouse", "ca_file"),
    "DATABASE_URL": ("directory", "url"),
    "JWT_SECRET": ("access", "jwt_secret"),
    "SERVICE_TOKEN": ("access", "service_token"),
}
"""Variable → setting. Of two for one setting the later wins."""

ADDRESS = "CLICKHOUSE_ADDR"
"""``host:port`` of the native protocol, which FrameWorks' Go services speak; the first of several counts."""

_HTTP_PORTS = {"9000": "8123", "9440": "8443"}
"""Port of ClickHouse's native protocol, plain and TLS → port of its HTTP interface, which is what we speak."""


def put_frameworks(gathered: Gathered, environ: Mapping[str, str]) -> None:
    """Put what FrameWorks' variables in *environ* say into *gathered*."""
    for key, text, name in (*_address(environ), *_named(environ)):
        gathered.put(key, typed(kind_of(key), text), Origin(FILE, name))


def _named(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    for name, key in NAMES.items():
        text = environ.get(name, "").strip()
        if text:
            yield key, _HTTP_PORTS.get(text, text) if name == "CLICKHOUSE_PORT" else text, name


def _address(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    first = environ.get(ADDRESS, "").split(",")[0].strip()
    if not first:
        return
    host, colon, port = first.rpartition(":")
    yield ("clickhouse", "host"), (host if colon else port).strip("[]"), ADDRESS
    if colon:
        yield ("clickhouse", "port"), _HTTP_PORTS.get(port, port), ADDRESS
    if port == "9440":
        yield ("clickhouse", "tls"), "true", ADDRESS
