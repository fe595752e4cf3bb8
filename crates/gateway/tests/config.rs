//! Configuration: every problem says key, line and the nearest right spelling, and nothing opens before all is right.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use gateway::config::{ConfigError, Override, Settings, load, print_config};
use translate::dialect::Dialect;

fn dialects() -> Vec<&'static Dialect> {
    vec![&translate::dialect::STANDARD, &translate::dialect::ITK]
}

fn read(text: &str) -> Result<Settings, Vec<ConfigError>> {
    load(text, "site.toml", &dialects())
}

fn problems(text: &str) -> Vec<ConfigError> {
    match read(text) {
        Ok(_) => panic!("this should not load:\n{text}"),
        Err(problems) => problems,
    }
}

/// A sound file to spoil.
const SOUND: &str = r#"[gateway]
http = "127.0.0.1:0"
[nhs-number]
ranges = ["9990000000-9999999999"]
[[source]]
name = "pas"
sending-application = ["PAS"]
dialect = "itk"
[[endpoint]]
name = "in"
listen = "mllp://127.0.0.1:2575"
[[endpoint]]
name = "epr"
send = "mllp://127.0.0.1:2577"
dialect = "standard"
[[endpoint]]
name = "shelf"
fhir = "http://127.0.0.1:9000/r4"
[[interface]]
name = "pas-to-epr"
from = "pas"
to = "epr"
accept = ["ADT^A01", "ORU^*"]
[[interface]]
name = "pas-to-shelf"
from = "in"
to = "shelf"
[[system]]
name = "epr"
vendor = "any"
listen = "mllp://127.0.0.1:2577"
sends-to = "in"
"#;

#[test]
fn a_sound_file_loads() {
    let settings = read(SOUND).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(settings.interfaces.len(), 2);
    assert_eq!(
        settings.endpoint("epr").map(|endpoint| endpoint.system.as_str()),
        Some("epr")
    );
    assert!(settings.notices.is_empty());
}

#[test]
fn an_empty_file_is_all_defaults() {
    let settings = read("").unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(settings.interfaces.is_empty());
    assert_eq!(settings.limits.frame_bytes_max, 16 << 20);
}

/// What is replaced, by what; then the key, line and nearest spelling that must be named.
#[test]
fn each_problem_names_key_line_and_nearest_spelling() {
    let table: &[(&str, &str, &str, usize, Option<&str>)] = &[
        ("http = ", "htp = ", "gateway.htp", 2, Some("http")),
        (
            "[nhs-number]",
            "[nhs-numbers]",
            "nhs-numbers",
            3,
            Some("nhs-number"),
        ),
        (
            "sending-application",
            "sending-aplication",
            "source[0].sending-aplication",
            7,
            Some("sending-application"),
        ),
        (
            "listen = \"mllp://127.0.0.1:2575\"",
            "listn = \"mllp://127.0.0.1:2575\"",
            "endpoint[0].listn",
            11,
            Some("listen"),
        ),
        ("name = \"in\"\n", "", "endpoint[0]", 9, None),
        (
            "dialect = \"itk\"",
            "dialect = \"ikt\"",
            "source[0].dialect",
            8,
            Some("itk"),
        ),
        (
            "dialect = \"standard\"",
            "dialect = \"Standard\"",
            "endpoint[1].dialect",
            15,
            Some("standard"),
        ),
        (
            "to = \"epr\"",
            "to = \"eprr\"",
            "interface[0].to",
            22,
            Some("epr"),
        ),
        ("to = \"epr\"", "to = \"in\"", "interface[0].to", 22, None),
        (
            "from = \"pas\"",
            "from = \"pass\"",
            "interface[0].from",
            21,
            Some("pas"),
        ),
        ("from = \"pas\"", "from = \"epr\"", "interface[0].from", 21, None),
        (
            "\"ADT^A01\"",
            "\"ADT-A01\"",
            "interface[0].accept[0]",
            23,
            Some("ADT^A01"),
        ),
        (
            "\"ADT^A01\"",
            "\"adt^a01\"",
            "interface[0].accept[0]",
            23,
            Some("ADT^A01"),
        ),
        (
            "accept = [\"ADT^A01\", \"ORU^*\"]",
            "accept = []",
            "interface[0].accept",
            23,
            Some("*"),
        ),
        (
            "accept = [\"ADT^A01\", \"ORU^*\"]",
            "translate = \"fhir\"",
            "interface[0].translate",
            23,
            Some("dialect"),
        ),
        (
            "accept = [\"ADT^A01\", \"ORU^*\"]",
            "translate = \"fire\"",
            "interface[0].translate",
            23,
            Some("fhir"),
        ),
        (
            "accept = [\"ADT^A01\", \"ORU^*\"]",
            "on-held = \"wat\"",
            "interface[0].on-held",
            23,
            Some("wait"),
        ),
        (
            "mllp://127.0.0.1:2575",
            "127.0.0.1:2575",
            "endpoint[0].listen",
            11,
            Some("mllp://127.0.0.1:2575"),
        ),
        (
            "mllp://127.0.0.1:2575",
            "mllp://2575",
            "endpoint[0].listen",
            11,
            Some("mllp://127.0.0.1:2575"),
        ),
        (
            "mllp://127.0.0.1:2575",
            "mllp://0.0.0.0:2575",
            "endpoint[0].listen",
            11,
            Some("mllp://127.0.0.1:2575"),
        ),
        (
            "http = \"127.0.0.1:0\"",
            "http = \"0.0.0.0:8575\"",
            "gateway.http",
            2,
            Some("127.0.0.1:8575"),
        ),
        (
            "send = \"mllp://127.0.0.1:2577\"",
            "send = \"mllp://127.0.0.1\"",
            "endpoint[1].send",
            14,
            Some("mllp://127.0.0.1:2575"),
        ),
        (
            "send = \"mllp://127.0.0.1:2577\"",
            "send = \"mllp://127.0.0.1:2575\"",
            "endpoint[1].send",
            14,
            None,
        ),
        (
            "fhir = \"http://127.0.0.1:9000/r4\"",
            "fhir = \"ftp://127.0.0.1/r4\"",
            "endpoint[2].fhir",
            18,
            Some("http://127.0.0.1/r4"),
        ),
        ("name = \"shelf\"", "name = \"epr\"", "endpoint[2].name", 17, None),
        (
            "name = \"pas-to-shelf\"",
            "name = \"pas-to-epr\"",
            "interface[1].name",
            25,
            None,
        ),
        (
            "fhir = \"http://127.0.0.1:9000/r4\"",
            "listen = \"mllp://127.0.0.1:2575\"",
            "endpoint[2].listen",
            18,
            None,
        ),
        (
            "fhir = \"http://127.0.0.1:9000/r4\"",
            "facade = \"shelf/r4\"",
            "endpoint[2].facade",
            18,
            Some("/shelf/r4"),
        ),
        (
            "fhir = \"http://127.0.0.1:9000/r4\"",
            "facade = \"/api/v1\"",
            "endpoint[2].facade",
            18,
            None,
        ),
        (
            "fhir = \"http://127.0.0.1:9000/r4\"",
            "facade = \"/fhir/r4\"",
            "endpoint[2].facade",
            18,
            None,
        ),
        (
            "9990000000-9999999999",
            "9990000000..9999999999",
            "nhs-number.ranges[0]",
            4,
            Some("9990000000-9999999999"),
        ),
        (
            "9990000000-9999999999",
            "9999999999-9990000000",
            "nhs-number.ranges[0]",
            4,
            Some("9990000000-9999999999"),
        ),
        (
            "http = \"127.0.0.1:0\"",
            "window = 0",
            "gateway.window",
            2,
            Some("1"),
        ),
        (
            "http = \"127.0.0.1:0\"",
            "window = \"many\"",
            "gateway.window",
            2,
            None,
        ),
        (
            "http = \"127.0.0.1:0\"",
            "zone = \"Europe/Londn\"",
            "gateway.zone",
            2,
            Some("Europe/London"),
        ),
        (
            "http = \"127.0.0.1:0\"",
            "unrouted = \"AE\"",
            "gateway.unrouted",
            2,
            Some("AA"),
        ),
        (
            "sends-to = \"in\"",
            "sends-to = \"inn\"",
            "system[0].sends-to",
            32,
            Some("in"),
        ),
        (
            "listen = \"mllp://127.0.0.1:2577\"",
            "listen = \"mllp://127.0.0.1:2575\"",
            "system[0].listen",
            31,
            None,
        ),
    ];
    for (sound, spoiled, key, line, nearest) in table {
        let text = SOUND.replacen(sound, spoiled, 1);
        assert_ne!(text, SOUND, "{sound} is not in the file");
        let found = problems(&text);
        let problem = found.iter().find(|problem| problem.key == *key);
        let problem = problem.unwrap_or_else(|| panic!("{spoiled}: no word of {key} in {found:#?}"));
        assert_eq!(problem.line, *line, "{spoiled}: {problem}");
        assert_eq!(problem.nearest.as_deref(), *nearest, "{spoiled}: {problem}");
        assert!(
            problem
                .to_string()
                .starts_with(&format!("site.toml:{line}: {key}: ")),
            "{problem}"
        );
    }
}

#[test]
fn a_choice_that_no_dialect_spoken_there_knows_is_named() {
    let chosen = |setting: &str| {
        let mark = "accept = [\"ADT^A01\", \"ORU^*\"]\n";
        SOUND.replacen(
            mark,
            &format!("{mark}[interface.override.dialect]\n{setting}\n"),
            1,
        )
    };
    assert!(read(&chosen("trust = \"RYJ\"")).is_ok());
    let found = problems(&chosen("trsut = \"RYJ\""));
    assert_eq!(found.len(), 1, "{found:#?}");
    let problem = &found[0];
    assert_eq!(problem.key, "interface[0].override.dialect.trsut");
    assert_eq!(
        (problem.line, problem.nearest.as_deref()),
        (25, Some("trust")),
        "{problem}"
    );
    // Where nobody speaks the dialect, its choices mean nothing.
    let found = problems(&chosen("trust = \"RYJ\"").replacen("dialect = \"itk\"", "", 1));
    assert_eq!(found[0].key, "interface[0].override.dialect.trust", "{found:#?}");
}

#[test]
fn all_problems_come_at_once() {
    let shape = SOUND
        .replace("http = ", "htp = ")
        .replace("sends-to", "send-to")
        .replace("from = \"pas\"", "form = \"pas\"");
    assert_eq!(problems(&shape).len(), 3, "{:#?}", problems(&shape));
    let meaning = SOUND
        .replace("to = \"epr\"", "to = \"ep\"")
        .replace("\"itk\"", "\"it\"")
        .replace("2577", "99999");
    assert!(problems(&meaning).len() >= 4, "{:#?}", problems(&meaning));
}

#[test]
fn broken_toml_is_named_by_its_line() {
    let problems = problems("[gateway]\nhttp = \n");
    assert_eq!(problems[0].line, 2, "{problems:#?}");
}

#[test]
fn a_message_may_not_go_back_to_the_system_it_came_from() {
    let text = SOUND.replace("name = \"pas\"", "name = \"pas\"\nsystem = \"epr\"");
    assert!(
        problems(&text)
            .iter()
            .any(|problem| problem.message.contains("loop"))
    );
}

#[test]
fn opening_up_is_said_aloud() {
    let text = SOUND
        .replace("http = \"127.0.0.1:0\"", "allow-non-loopback = true")
        .replace("mllp://127.0.0.1:2575", "mllp://0.0.0.0:2575")
        .replace("9990000000-9999999999", "4000000000-4999999999");
    let settings = read(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(settings.notices.len(), 2, "{:?}", settings.notices);
}

const CLIENTS: &str = r#"authorise = true
[[system.client]]
id = "bed-board"
secret-env = "BED_BOARD_SECRET"
scopes = ["system/Patient.rs", "system/Encounter.read"]
organisations = ["RYJ", "RQM01"]
[[system.client]]
id = "signer"
jwks = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
scopes = ["system/*.rs"]
user = "INTERFACE"
"#;

#[test]
fn a_system_names_the_clients_it_lets_in_and_one_key_switches_them_on() {
    let settings = read(&format!("{SOUND}{CLIENTS}")).unwrap_or_else(|problems| panic!("{problems:?}"));
    let clients = settings.systems[0].clients.as_ref().unwrap();
    let ids: Vec<&str> = clients.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["bed-board", "signer"]);
    assert_eq!(clients[0].organisations, ["RYJ", "RQM01"]);
    assert!(matches!(&clients[1].proof, gateway::config::ClientProof::Keys(keys) if keys.len() == 1));
    let off = CLIENTS.replace("authorise = true", "authorise = false");
    assert!(
        read(&format!("{SOUND}{off}")).unwrap().systems[0]
            .clients
            .is_none()
    );
}

#[test]
fn each_problem_of_a_client_has_its_key_its_line_and_the_nearest_spelling() {
    let line_of = |text: &str, part: &str| {
        let of = text.lines().enumerate().filter(|(_, line)| line.contains(part));
        of.last().unwrap().0 + 1
    };
    for (sound, spoilt, key, words, nearest) in [
        (
            "id = \"signer\"",
            "id = \"bed-board\"",
            "client[1].id",
            "already system[0].client[0]",
            None,
        ),
        ("id = \"signer\"", "id = \"\"", "client[1].id", "empty", None),
        (
            "\"system/Patient.rs\"",
            "\"system/Patient.raed\"",
            "client[0].scopes[0]",
            "ends with",
            Some("system/Patient.read"),
        ),
        (
            "\"system/Patient.rs\"",
            "\"user/Patient.rs\"",
            "client[0].scopes[0]",
            "starts with system/",
            Some("system/Patient.rs"),
        ),
        (
            "\"system/Patient.rs\"",
            "\"system/patient.rs\"",
            "client[0].scopes[0]",
            "resource type",
            Some("system/Patient.rs"),
        ),
        (
            "scopes = [\"system/*.rs\"]",
            "scopes = []",
            "client[1].scopes",
            "at least one",
            Some("system/Patient.rs"),
        ),
        (
            "secret-env = \"BED_BOARD_SECRET\"",
            "secret-env = \"bed board secret\"",
            "client[0].secret-env",
            "environment variable",
            Some("BED_BOARD_SECRET"),
        ),
        (
            "secret-env = \"BED_BOARD_SECRET\"",
            "user = \"X\"",
            "client[0]",
            "needs one of",
            None,
        ),
        (
            "secret-env = \"BED_BOARD_SECRET\"",
            "secret-env = \"A\"\njwks-file = \"b\"",
            "client[0]",
            "more than one",
            None,
        ),
        ("\"RQM01\"", "\"R Q\"", "client[0].organisations[1]", "ODS", None),
        (
            "\"x\": \"11qY",
            "\"d\": \"AA\", \"x\": \"11qY",
            "client[1].jwks",
            "key 1: it is private",
            None,
        ),
        (
            "\"OKP\"",
            "\"oct\"",
            "client[1].jwks",
            "no key that may sign",
            None,
        ),
        ("jwks = '{", "jwks = '", "client[1].jwks", "not a key set", None),
        (
            "secret-env",
            "secret_env",
            "client[0].secret_env",
            "no such key",
            Some("secret-env"),
        ),
    ] {
        let text = format!("{SOUND}{CLIENTS}").replacen(sound, spoilt, 1);
        assert!(text.contains(spoilt), "{spoilt}");
        let found = problems(&text);
        let problem = &found[0];
        assert_eq!(problem.key, format!("system[0].{key}"), "{found:?}");
        assert!(problem.message.contains(words), "{problem}");
        assert_eq!(problem.nearest.as_deref(), nearest, "{problem}");
        if !key.ends_with(']') {
            let spoilt = spoilt.lines().next().unwrap();
            assert_eq!(problem.line, line_of(&text, spoilt), "{problem}");
        }
        assert!(
            !problem.to_string().contains("11qY"),
            "nothing of a key is repeated"
        );
    }
    let alone = problems(&format!("{SOUND}authorise = true\n"));
    assert_eq!(alone[0].key, "system[0].authorise");
}

#[test]
fn print_config_says_where_each_value_comes_from() {
    let overrides = [Override {
        key: "gateway.http".into(),
        value: "127.0.0.1:9999".into(),
        origin: "--http".into(),
    }];
    let printed =
        print_config(SOUND, "site.toml", &overrides).unwrap_or_else(|problems| panic!("{problems:?}"));
    let line = |key: &str| {
        printed
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_else(|| panic!("{key}\n{printed}"))
    };
    assert!(line("gateway.http = \"127.0.0.1:9999\"").ends_with("# --http"));
    assert!(line("gateway.window = ").ends_with("# default"));
    assert!(line("endpoint[1].send = ").ends_with("# site.toml:14"));
}

/// The examples are for people to start from: each must load. Vendors' dialects are stood in for by name.
#[test]
fn every_example_loads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("dialect")?.split('"').nth(1));
        let stand_in = |name: &str| -> &'static Dialect {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            Box::leak(Box::new(Dialect {
                name,
                ..translate::dialect::STANDARD
            }))
        };
        let dialects: Vec<&'static Dialect> = named.chain(["standard"]).map(stand_in).collect();
        let loaded = load(&text, &path.display().to_string(), &dialects);
        let settings = loaded.unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert!(!settings.interfaces.is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}
