# ruff: noqa: E501 # the tables of faults are read line by line
"""What a person reads when the configuration is wrong."""

from pathlib import Path

import pytest

from signalman.config import load
from signalman.config.combinations import LATE_SECONDS
from signalman.errors import ConfigError
from signalman.gateway.late import LATE_MS
from tests.unit.access.tokens import RSA_KEY, pem
from tests.unit.config.sample import faults, written

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[gatway]\n", "gatway", 'unknown key, did you mean "gateway"?'),
        ("[gateway]\nprot = 1\n", "gateway.prot", 'unknown key, did you mean "port"?'),
        ("[directory.databases]\npurser = 'a b'\n", "directory.databases.purser", "must be a plain SQL name: letters, digits and _"),
        ("[access]\njwt_algorithms = ['none']\n", "access.jwt_algorithms[0]", "must be one of HS256, RS256, ES256, EdDSA"),
        ("[access]\njwt_algorithms = []\n", "access.jwt_algorithms", "must have at least one entry"),
        ("[access]\njwks_url = 'http://a.example/keys'\n", "access.jwks_url", "must be an https:// address, or http:// on this machine"),
        ("[access]\ncookie = 'a b'\n", "access.cookie", "must be a cookie's name: letters, digits, _ . and -"),
        ("[gateway]\ntrusted_proxies = ['10.0.0.1/8']\n", "gateway.trusted_proxies[0]", "must be an address or a network such as 10.0.0.0/8, with no bits set behind the prefix"),
        ("gateway = 1\n", "gateway", "must be a table"),
        ("[gateway]\nport = '80'\n", "gateway.port", "must be a whole number"),
        ("[gateway]\nport = true\n", "gateway.port", "must be a whole number"),
        ("[gateway]\nport = 8.0\n", "gateway.port", "must be a whole number"),
        ("[gateway]\nport = 65536\n", "gateway.port", "must be at most 65535"),
        ("[clickhouse]\nport = 0\n", "clickhouse.port", "must be at least 1"),
        ("[gateway]\ndashboard = 1\n", "gateway.dashboard", "must be true or false"),
        ("[gateway]\nheartbeat_seconds = 'x'\n", "gateway.heartbeat_seconds", "must be a number"),
        ("[gateway]\nheartbeat_seconds = nan\n", "gateway.heartbeat_seconds", "must be a number"),
        ("[kafka]\ngroup_id = 3\n", "kafka.group_id", "must be text"),
        ("[kafka]\ngroup_id = ''\n", "kafka.group_id", "must not be empty"),
        ("[kafka]\nbrokers = 'a:1'\n", "kafka.brokers", "must be a list"),
        ("[kafka]\nbrokers = []\n", "kafka.brokers", "must have at least one entry"),
        ("[kafka]\nbrokers = ['a:1', 'b']\n", "kafka.brokers[1]", "must be host:port"),
        ("[kafka]\nbrokers = ['a:1', 'a:1']\n", "kafka.brokers", "names something twice"),
        ("[kafka]\nmirror_regions = ['a b']\n", "kafka.mirror_regions[0]", "must be a region's id: letters, digits, _ and -"),
        ("[kafka.topics]\nanalytics = 'a b'\n", "kafka.topics.analytics", "must be a Kafka topic name: letters, digits, . _ and -"),
        ("[kafka]\nsasl_mechanism = 'x'\n", "kafka.sasl_mechanism", 'must be one of "", "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"'),
        ("[redis]\nurl = 'http://x'\n", "redis.url", "must be redis://host:port/db, or rediss:// for TLS"),
        ("[redis]\nprefix = 'a{b}'\n", "redis.prefix", "must be letters, digits, _ . and -"),
        ("[clickhouse]\nhost = 'a b'\n", "clickhouse.host", "must be a host name or an address"),
        ("[clickhouse]\ndatabase = 'a;b'\n", "clickhouse.database", "must be a plain SQL name: letters, digits and _"),
        ("[directory]\nurl = 'mysql://x'\n", "directory.url", "must be postgresql://user:password@host:port, or empty for none"),
        ("[channels]\npseudonym_key = 'fifteen letters'\n", "channels.pseudonym_key", "must have at least 16 characters, or whoever knows a value finds its pseudonym by trying"),
        ("[gateway]\nallowed_origins = ['https://a/b']\n", "gateway.allowed_origins[0]", "must be an origin such as https://dash.example.com, without path"),
        ("[[access.accounts]]\nname = 'a'\ntoken = 'b c'\nscope = ['x']\n", "access.accounts[0].token", "must be letters, digits and - . _ ~ + /"),
        ("[[access.accounts]]\nname = 'a'\ntoken = 'b'\n", "access.accounts[0].scope", "is required"),
        ("[[access.accounts]]\nname = 'a'\ntoken = 'b'\nscope = ['x']\nrol = 'y'\n", "access.accounts[0].rol", 'unknown key, did you mean "role"?'),
        ("[log]\nlevel = 'loud'\n", "log.level", 'must be one of "debug", "info", "warning" or "error"'),
    ],
)  # fmt: skip
def test_a_faulty_value(tmp_path: Path, text: str, key: str, reason: str) -> None:
    """Each kind of fault has its own sentence, with the file and the key."""
    path = written(tmp_path, text)

    assert [(fault.file, fault.key, fault.reason) for fault in faults(path)] == [(str(path), key, reason)]


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[kafka]\ntls = false\nca_file = '{file}'\n", "kafka.ca_file", "has no effect unless kafka.tls is true"),
        ("[clickhouse]\nca_file = '{file}'\n", "clickhouse.ca_file", "has no effect unless clickhouse.tls is true"),
        ("[kafka]\ntls = true\nca_file = '/nowhere'\n", "kafka.ca_file", "there is no such file"),
        ("[kafka]\ntls = true\ncertificate_file = '{file}'\n", "kafka.certificate_file", "needs kafka.key_file beside it"),
        ("[kafka]\ntls = true\nkey_file = '{file}'\n", "kafka.key_file", "needs kafka.certificate_file beside it"),
        ("[kafka]\nsasl_mechanism = 'PLAIN'\nsasl_username = 'u'\n", "kafka.sasl_mechanism", "needs kafka.sasl_password beside it"),
        ("[kafka]\nsasl_username = 'u'\n", "kafka.sasl_username", "has no effect unless kafka.sasl_mechanism is set"),
        ("[access]\njwt_secret = '-----BEGIN PUBLIC KEY----- and more of it'\n", "access.jwt_secret", "is a key file's text; HS256 needs the platform's shared secret"),
        ("[access]\naccounts = [{{name='a', token='t', scope=['x']}}, {{name='a', token='u', scope=['x']}}]\n", "access.accounts", "two accounts have the same name"),
        ("[access]\naccounts = [{{name='a', token='t', scope=['x']}}, {{name='b', token='t', scope=['x']}}]\n", "access.accounts", "two accounts have the same token"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together(tmp_path: Path, text: str, key: str, reason: str) -> None:
    """What cannot work together is refused at the start, not found out in the night."""
    path = written(tmp_path, text.format(file=__file__))

    assert [(fault.file, fault.key, fault.reason) for fault in faults(path)] == [(str(path), key, reason)]


KEYS = "[access]\njwt_public_keys = ['{pem}']\n"
PUBLIC = "jwt_algorithms = ['RS256']\n"
NO_PUBLIC = "has no effect unless access.jwt_algorithms lists RS256, ES256 or EdDSA"
SHARED = f"jwt_secret = '{'x' * 32}'\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"[access]\n{PUBLIC}", [("access.jwt_algorithms", "lists RS256, which needs access.jwt_public_keys or access.jwks_url")]),
        ("[access]\njwt_algorithms = ['ES256', 'HS256', 'EdDSA']\njwks_url = 'https://a.example'\n", [("access.jwt_algorithms", "lists HS256, which needs access.jwt_secret")]),
        ("[access]\njwt_algorithms = ['HS256', 'EdDSA']\n", [("access.jwt_algorithms", "lists EdDSA, which needs access.jwt_public_keys or access.jwks_url"), ("access.jwt_algorithms", "lists HS256, which needs access.jwt_secret")]),
        (f"[access]\n{PUBLIC}{SHARED}jwks_url = 'https://a.example'\n", [("access.jwt_secret", "has no effect unless access.jwt_algorithms lists HS256")]),
        ("[access]\njwks_url = 'https://a.example'\n", [("access.jwks_url", NO_PUBLIC)]),
        (KEYS, [("access.jwt_public_keys", NO_PUBLIC), ("access.jwt_public_keys[0]", "holds a key for RS256, which access.jwt_algorithms does not list")]),
        (f"{KEYS}jwt_algorithms = ['ES256']\n", [("access.jwt_public_keys[0]", "holds a key for RS256, which access.jwt_algorithms does not list")]),
        (f"{KEYS.replace('pem', 'file')}{PUBLIC}", [("access.jwt_public_keys[0]", "holds no public key or certificate in PEM form")]),
        (f"[access]\njwt_public_keys = ['{{pem}}', '/nowhere', '/']\n{PUBLIC}", [("access.jwt_public_keys[1]", "there is no such file"), ("access.jwt_public_keys[2]", "cannot be read: Is a directory")]),
        ("[access]\njwks_ca_file = '{file}'\n", [("access.jwks_ca_file", "has no effect unless access.jwks_url is set")]),
        (f"[access]\n{PUBLIC}jwks_url = 'https://a.example'\njwks_ca_file = '/nowhere'\n", [("access.jwks_ca_file", "there is no such file")]),
        ("[access]\njwt_issuers = ['a']\njwt_audiences = ['b']\n", [("access.jwt_audiences", "has no effect: there is no key for JWTs"), ("access.jwt_issuers", "has no effect: there is no key for JWTs")]),
        ("[access]\ncookie = 'access_token'\n", [("access.cookie", "needs gateway.allowed_origins beside it: a cookie counts for pages of these origins only")]),
        ("[limits]\nfailure_pause_seconds = 5\nfailure_longest_pause_seconds = 4\n", [("limits.failure_longest_pause_seconds", "must not be shorter than limits.failure_pause_seconds, which is the first pause")]),
    ],
)  # fmt: skip
def test_settings_of_access_that_do_not_go_together(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    """Whoever believes that tokens, a cookie or a limit count finds out at the start that they do not."""
    (tmp_path / "key.pem").write_bytes(pem(RSA_KEY.public_key()))
    path = written(tmp_path, text.replace("{file}", __file__).replace("{pem}", str(tmp_path / "key.pem")))

    assert [(fault.file, fault.key, fault.reason) for fault in faults(path)] == [(str(path), *each) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"[access]\n{SHARED}jwt_issuers = ['a']\n",
        f"{KEYS}{PUBLIC}jwt_audiences = ['b']\n",
        f"{KEYS}{SHARED}jwt_algorithms = ['HS256', 'RS256', 'EdDSA']\n",
        f"[access]\n{PUBLIC}jwks_url = 'https://a.example/keys'\njwks_ca_file = '{__file__}'\n",
        "[access]\ncookie = 'access_token'\n[gateway]\nallowed_origins = ['https://a.example']\n",
        "[limits]\nfailure_pause_seconds = 5\nfailure_longest_pause_seconds = 5\n",
    ],
)
def test_settings_of_access_that_go_together(tmp_path: Path, text: str) -> None:
    """Nothing that works is refused: HS256 without a secret is the default and takes no JWTs."""
    (tmp_path / "key.pem").write_bytes(pem(RSA_KEY.public_key()))
    load(written(tmp_path, text.replace("{pem}", str(tmp_path / "key.pem"))), {})


def test_a_weak_secret_must_be_accepted_explicitly() -> None:
    """A short JWT secret is refused, unless somebody says that it cannot be helped."""
    weak = {"JWT_SECRET": "short"}

    (fault,) = faults(None, weak)
    assert fault.reason.startswith("is shorter than 32 bytes")
    config = load(None, {**weak, "SIGNALMAN_ACCESS__ALLOW_WEAK_SECRET": "true"})
    assert config.access.jwt_secret.get_secret_value() == "short"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "is not UTF-8 text"), (b"[kafka\n", "is not TOML: ")],
)
def test_a_file_that_cannot_be_understood(tmp_path: Path, content: bytes, reason: str) -> None:
    """A broken file is one fault of the file as a whole."""
    path = tmp_path / "broken.toml"
    path.write_bytes(content)

    (fault,) = faults(path)
    assert (fault.file, fault.key) == (str(path), "")
    assert fault.reason.startswith(reason)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a folder are faults: silently going on with the defaults would be worse."""
    assert faults(tmp_path / "nowhere.toml")[0].reason == "there is no such file"
    assert faults(tmp_path)[0].reason == "cannot be read: Is a directory"


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    """File, environment, option, and conflicts: one round is enough."""
    path = written(tmp_path, "[kafka]\nbatch_records = 0\nsasl_username = 'u'\nnonsense = 1\n[lgo]\n")
    environ = {"SIGNALMAN_NONSENSE": "1", "SIGNALMAN_GATEWAY__PORT": "x", "JWT_SECRET": "short"}

    found = faults(path, environ, {("log", "level"): ("--log-level", "loud")})

    assert {(fault.file, fault.key) for fault in found} == {
        (str(path), "kafka.batch_records"),
        (str(path), "kafka.sasl_username"),
        (str(path), "kafka.nonsense"),
        (str(path), "lgo"),
        ("environment", "SIGNALMAN_NONSENSE"),
        ("environment", "SIGNALMAN_GATEWAY__PORT"),
        ("environment", "JWT_SECRET"),
        ("command line", "--log-level"),
    }


def test_a_faulty_setting_is_not_blamed_twice(tmp_path: Path) -> None:
    """What follows from a fault that is told already is not told: here, that the file has no effect without TLS."""
    path = written(tmp_path, f"[kafka]\ntls = 'maybe'\nca_file = '{__file__}'\n")

    assert [fault.key for fault in faults(path)] == ["kafka.tls"]


@pytest.mark.parametrize(
    "environ",
    [
        {"REDIS_URL": f"http://:{SECRET}@x"},
        {"DATABASE_URL": f"mysql://u:{SECRET}@x"},
        {"JWT_SECRET": SECRET},
        {"SIGNALMAN_GATEWAY__PORT": SECRET},
        {"SIGNALMAN_LOG__LEVEL": SECRET},
        {"SIGNALMAN_NONSENSE": SECRET},
        {"CLICKHOUSE_PASSWORD": SECRET, "SIGNALMAN_GATEWAY__PORT": "0x"},
        {"KAFKA_SASL_PASSWORD": SECRET},
        {"KAFKA_BROKERS": SECRET},
        {"SIGNALMAN_ACCESS__JWT_PUBLIC_KEYS": SECRET},
        {"SIGNALMAN_ACCESS__JWT_PUBLIC_KEYS": SECRET * 300, "SIGNALMAN_ACCESS__JWT_ALGORITHMS": "RS256"},
        {"SIGNALMAN_ACCESS__JWKS_URL": SECRET},
        {"SIGNALMAN_ACCESS__COOKIE": f"{SECRET} "},
        {"SIGNALMAN_GATEWAY__TRUSTED_PROXIES": SECRET},
    ],
)
def test_no_fault_tells_a_value(environ: dict[str, str]) -> None:
    """A secret that stands in the wrong place is not shown either: neither in the sentence nor in what caused it."""
    with pytest.raises(ConfigError) as caught:
        load(None, environ)

    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error)
        error = error.__cause__ or error.__context__


def test_no_fault_tells_a_value_of_a_file(tmp_path: Path) -> None:
    """The same for a file: unknown keys, wrong types and broken syntax do not show what was written."""
    for text in (
        f"[access]\njwt_secrt = '{SECRET}'\n",
        f"[access]\nallow_weak_secret = '{SECRET}'\n",
        f"[[access.accounts]]\nname = 'a'\ntoken = '{SECRET} {SECRET}'\nscope = ['x']\n",
        f"[access]\njwt_secret = {SECRET}\n",
        f"[access]\njwt_secret = '{SECRET}\n",
    ):
        assert SECRET not in "".join(map(str, faults(written(tmp_path, text))))


def test_a_history_too_short_to_make_snapshots_up_to_date(tmp_path: Path) -> None:
    """What is replayed over a snapshot, and what is looked at before it, must fit into the history."""
    assert LATE_SECONDS * 1000 == LATE_MS
    text = "[history]\nseconds = 39\n[snapshot]\nreplay_floor_seconds = 30\n"
    [fault] = faults(written(tmp_path, text))
    assert "history.seconds" in str(fault)
    load(written(tmp_path, text.replace("39", "40")), {})
