from pathlib import Path

import pytest

from spark_jobs.settings import SettingError
from spark_jobs.source.connection import Connection, read_connection

PASSWORD = "not-to-be-shown"  # noqa: S105 - of nobody
SCRAM = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    "KAFKA_SASL_USERNAME": "app",
    "KAFKA_SASL_PASSWORD": PASSWORD,
}
TOKENS = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    "KAFKA_OAUTH_TOKEN_ENDPOINT_URL": "https://login.example/token",
    "KAFKA_OAUTH_CLIENT_ID": "payments",
    "KAFKA_OAUTH_CLIENT_SECRET": PASSWORD,
}
LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="a\\"b" password=\'c d\';'


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "client.properties"
    path.write_text(text)
    return {"KAFKA_CLIENT_PROPERTIES": str(path)}


def refused(env: dict[str, str]) -> str:
    with pytest.raises(SettingError) as error:
        read_connection(env)
    message = str(error.value)
    assert "\n" not in message
    assert PASSWORD not in message
    return message


def test_without_any_setting_clients_are_told_nothing() -> None:
    connection = read_connection({})
    assert (connection.is_secured, connection.java(), connection.python(), connection.librdkafka()) == (
        False,
        {},
        {},
        {},
    )


def test_a_login_from_variables_reaches_every_client() -> None:
    connection = read_connection(SCRAM)
    python = connection.python()
    assert (python["sasl_mechanism"], python["sasl_plain_username"]) == ("SCRAM-SHA-256", "app")
    assert python["sasl_plain_password"] == connection.librdkafka()["sasl.password"] == PASSWORD
    assert connection.java()["sasl.jaas.config"].endswith('password="${payments-env:KAFKA_SASL_PASSWORD}";')


@pytest.mark.parametrize("env", [SCRAM, TOKENS])
def test_a_jvm_and_a_log_are_never_shown_a_secret(env: dict[str, str]) -> None:
    connection = read_connection(env)
    assert PASSWORD not in str(connection.java()) + repr(connection)


def test_a_secret_of_a_file_is_a_reference_to_that_file(tmp_path: Path) -> None:
    text = f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={LOGIN.replace('c d', PASSWORD)}\n"
    env = written(tmp_path, text + "client.id=payments\n")
    java = read_connection(env).java()
    assert java["sasl.jaas.config"] == f"${{payments-file:{tmp_path / 'client.properties'}:sasl.jaas.config}}"
    assert java["client.id"] == "payments"
    assert PASSWORD not in str(java)


def test_what_a_consumers_file_says_of_reading_is_not_said_to_spark(tmp_path: Path) -> None:
    text = "auto.offset.reset=earliest\nenable.auto.commit=false\nkey.deserializer=a.B\nclient.id=payments\n"
    java = read_connection(written(tmp_path, text)).java()
    assert {name for name in java if not name.startswith("config.providers")} == {"client.id"}


def test_a_login_is_read_as_java_reads_it() -> None:
    assert Connection({"sasl.jaas.config": LOGIN}).login() == {"username": 'a"b', "password": "c d"}


def test_a_token_endpoint_is_given_to_every_client() -> None:
    connection = read_connection(TOKENS)
    assert connection.token_endpoint == TOKENS["KAFKA_OAUTH_TOKEN_ENDPOINT_URL"]
    assert connection.librdkafka()["sasl.oauthbearer.method"] == "oidc"
    assert "sasl_oauth_token_provider" in connection.python()


def test_what_goes_beside_a_token_is_given_to_every_client(tmp_path: Path) -> None:
    # As Confluent Cloud documents it for Java.
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
    beside = 'extension_logicalCluster="lkc-1" extension_identityPoolId="pool-2"'
    login = f'{module} required clientId="a" clientSecret="b" {beside};'
    lines = ("security.protocol=SASL_SSL", "sasl.mechanism=OAUTHBEARER", f"sasl.jaas.config={login}")
    env = written(tmp_path, "\n".join((*lines, "sasl.oauthbearer.token.endpoint.url=https://acme.test/token\n")))
    connection = read_connection(env)
    wanted = {"logicalCluster": "lkc-1", "identityPoolId": "pool-2"}
    assert connection.python()["sasl_oauth_token_provider"].extensions() == wanted
    assert connection.librdkafka()["sasl.oauthbearer.extensions"] == "logicalCluster=lkc-1,identityPoolId=pool-2"


@pytest.mark.parametrize("name", ["ssl.keystore.passphrase", "basic.auth.user.info", "sasl.jaas.config", "a.password"])
def test_whatever_may_be_a_secret_is_a_reference(tmp_path: Path, name: str) -> None:
    connection = read_connection(written(tmp_path, f"{name}={PASSWORD}\n"))
    assert PASSWORD not in str(connection.java())


def test_what_cannot_be_is_one_line_that_names_it(tmp_path: Path) -> None:
    assert "KAFKA_SASL_PASSWORD is not set" in refused({k: v for k, v in SCRAM.items() if "PASSWORD" not in k})
    assert "security.protocol must be one of" in refused({"KAFKA_SECURITY_PROTOCOL": "TLS"})
    assert "sasl.mechanism must be one of" in refused({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})
    assert "set it to SASL_SSL" in refused(
        {"KAFKA_SASL_MECHANISM": "PLAIN"} | {k: v for k, v in SCRAM.items() if "USER" in k or "PASS" in k}
    )
    assert "give it in KAFKA_CLIENT_PROPERTIES" in refused(SCRAM | {"KAFKA_SASL_PASSWORD": f'{PASSWORD}"'})
    assert "both set" in refused(SCRAM | written(tmp_path, "client.id=a\n"))
    assert "config provider" in refused(written(tmp_path, "sasl.jaas.config=${vault:a}\n"))
    assert "cannot be read" in refused({"KAFKA_CLIENT_PROPERTIES": str(tmp_path / "none")})
    assert "cannot be read" in refused(
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_LOCATION": str(tmp_path / "none")}
    )
    assert "token.endpoint.url is missing" in refused({k: v for k, v in TOKENS.items() if "URL" not in k})


GOOGLE = """\
security.protocol=SASL_SSL
sasl.mechanism=OAUTHBEARER
sasl.login.callback.handler.class=com.google.cloud.hosted.kafka.auth.GcpLoginCallbackHandler
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
"""


def test_a_login_without_options_is_no_secret_and_needs_no_file_where_it_is_read(tmp_path: Path) -> None:
    told = read_connection(written(tmp_path, GOOGLE)).java()
    assert told["sasl.jaas.config"] == "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
    with_option = read_connection(written(tmp_path, GOOGLE.replace("required;", f'required a="{PASSWORD}";'))).java()
    assert with_option["sasl.jaas.config"].startswith("${payments-file:")


def test_googles_own_file_is_taken_as_it_is_and_asks_for_no_token_endpoint(tmp_path: Path) -> None:
    connection = read_connection(written(tmp_path, GOOGLE))
    assert connection.asks_google
    assert connection.token_endpoint is None
    assert connection.java()["sasl.login.callback.handler.class"].endswith("GcpLoginCallbackHandler")
    assert "sasl_oauth_token_provider" in connection.python()
    options = connection.librdkafka()
    assert callable(options["oauth_cb"])
    assert not any(name.startswith("sasl.oauthbearer") for name in options)


def test_a_login_handler_that_only_java_knows_is_refused_by_name(tmp_path: Path) -> None:
    handler = "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler"
    text = GOOGLE.replace("com.google.cloud.hosted.kafka.auth.GcpLoginCallbackHandler", handler)
    message = refused(written(tmp_path, text))
    assert f"{handler}, which only Java knows" in message
    assert "GcpLoginCallbackHandler" in message
