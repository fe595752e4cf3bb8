//! The façade's resources.

use bytes::Bytes;
use store::{Journal, Matching, NewResource, Put, ResourceKey, ResourceQuery, Term, TermQuery};

use super::Rig;

fn key(resource_type: &str, id: &str) -> ResourceKey {
    ResourceKey {
        system: "north".to_owned(),
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
    }
}

fn new(resource_type: &str, id: &str, terms: Vec<Term>) -> NewResource {
    NewResource {
        key: key(resource_type, id),
        updated_at_ms: 5,
        json: Bytes::from(format!("{{\"id\":\"{id}\"}}")),
        terms,
        if_version: None,
    }
}

async fn put(rig: &Rig, resource: NewResource) -> Put {
    rig.journal
        .put_resource(resource)
        .await
        .expect("accepted")
        .await
        .expect("durable")
}

async fn find(rig: &Rig, resource_type: &str, terms: Vec<TermQuery>) -> Vec<String> {
    let query = ResourceQuery {
        system: "north".to_owned(),
        resource_type: resource_type.to_owned(),
        terms,
        after: None,
        limit: 100,
    };
    let page = rig.journal.find_resources(query).await.expect("reads");
    page.items.into_iter().map(|resource| resource.key.id).collect()
}

fn any(parameter: &str, any_of: Vec<(Option<&str>, Matching)>) -> TermQuery {
    let any_of = any_of
        .into_iter()
        .map(|(namespace, value)| (namespace.map(str::to_owned), value))
        .collect();
    TermQuery {
        parameter: parameter.to_owned(),
        any_of,
    }
}

#[tokio::test]
async fn a_resource_is_kept_replaced_and_versioned() {
    let rig = Rig::new();
    assert_eq!(
        put(&rig, new("Patient", "1", vec![])).await,
        Put::Kept { version: 1 }
    );
    let second = NewResource {
        json: Bytes::from_static(b"{}"),
        ..new("Patient", "1", vec![])
    };
    assert_eq!(put(&rig, second).await, Put::Kept { version: 2 });
    let rig = rig.restart().await;
    let found = rig
        .journal
        .resource(key("Patient", "1"))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(
        (found.version, &found.json[..], found.updated_at_ms),
        (2, &b"{}"[..], 5)
    );
    assert_eq!(
        rig.journal.resource(key("Encounter", "1")).await.expect("reads"),
        None
    );
}

#[tokio::test]
async fn a_version_that_has_moved_on_is_a_conflict() {
    let rig = Rig::new();
    let asked = |if_version| NewResource {
        if_version: Some(if_version),
        ..new("Patient", "1", vec![])
    };
    assert_eq!(put(&rig, asked(1)).await, Put::Conflict { version: 0 });
    assert_eq!(put(&rig, asked(0)).await, Put::Kept { version: 1 });
    assert_eq!(put(&rig, asked(0)).await, Put::Conflict { version: 1 });
    assert_eq!(put(&rig, asked(1)).await, Put::Kept { version: 2 });
}

#[tokio::test]
async fn terms_are_joined_by_and_and_alternatives_by_or() {
    let rig = Rig::new();
    let terms = |mrn: &str, family: &str, born: &str| {
        vec![
            Term::token("identifier", "urn:mrn", mrn),
            Term::new("family", family),
            Term::new("birthdate", born),
        ]
    };
    put(&rig, new("Patient", "ada", terms("100", "okafor", "1970-02-03"))).await;
    put(&rig, new("Patient", "ben", terms("200", "okoro", "1970-03"))).await;
    put(&rig, new("Patient", "cat", terms("300", "patel", "1999"))).await;
    put(
        &rig,
        new("Encounter", "e1", vec![Term::new("patient", "Patient/ada")]),
    )
    .await;
    let exact = |value: &str| Matching::Exact(value.to_owned());
    let prefix = |value: &str| Matching::Prefix(value.to_owned());
    let between = |from: Option<&str>, to: Option<&str>| Matching::Between {
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    let cases = [
        (vec![], vec!["ada", "ben", "cat"]),
        (vec![TermQuery::exact("identifier", "100")], vec!["ada"]),
        (
            vec![TermQuery::token("identifier", "urn:mrn", "100")],
            vec!["ada"],
        ),
        (vec![TermQuery::token("identifier", "urn:other", "100")], vec![]),
        (
            vec![any(
                "identifier",
                vec![(None, exact("100")), (None, exact("300"))],
            )],
            vec!["ada", "cat"],
        ),
        (vec![any("identifier", vec![])], vec![]),
        (
            vec![any("family", vec![(None, prefix("ok"))])],
            vec!["ada", "ben"],
        ),
        (vec![any("family", vec![(None, prefix("okaforx"))])], vec![]),
        (
            vec![any("birthdate", vec![(None, between(Some("1970-03"), None))])],
            vec!["ben", "cat"],
        ),
        (
            vec![any("birthdate", vec![(None, between(None, Some("1971")))])],
            vec!["ada", "ben"],
        ),
        (
            vec![
                any("family", vec![(None, prefix("ok"))]),
                TermQuery::exact("birthdate", "1970-03"),
            ],
            vec!["ben"],
        ),
        (vec![TermQuery::exact("family", "' OR 1=1 --")], vec![]),
    ];
    for (terms, expected) in cases {
        assert_eq!(find(&rig, "Patient", terms.clone()).await, expected, "{terms:?}");
    }
    assert_eq!(
        find(
            &rig,
            "Encounter",
            vec![TermQuery::exact("patient", "Patient/ada")]
        )
        .await,
        ["e1"]
    );
}

#[tokio::test]
async fn replacing_a_resource_replaces_its_terms() {
    let rig = Rig::new();
    put(&rig, new("Patient", "1", vec![Term::new("family", "before")])).await;
    put(
        &rig,
        new(
            "Patient",
            "1",
            vec![Term::new("family", "after"), Term::new("family", "after")],
        ),
    )
    .await;
    assert!(
        find(&rig, "Patient", vec![TermQuery::exact("family", "before")])
            .await
            .is_empty()
    );
    assert_eq!(
        find(&rig, "Patient", vec![TermQuery::exact("family", "after")]).await,
        ["1"]
    );
}

#[tokio::test]
async fn pages_follow_one_another() {
    let rig = Rig::new();
    for number in 0..25 {
        put(
            &rig,
            new("Patient", &number.to_string(), vec![Term::new("active", "true")]),
        )
        .await;
    }
    for terms in [vec![], vec![TermQuery::exact("active", "true")]] {
        let mut query = ResourceQuery {
            system: "north".to_owned(),
            resource_type: "Patient".to_owned(),
            terms,
            after: None,
            limit: 10,
        };
        let mut sizes = Vec::new();
        loop {
            let page = rig.journal.find_resources(query.clone()).await.expect("reads");
            sizes.push(page.items.len());
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [10, 10, 5]);
    }
}
