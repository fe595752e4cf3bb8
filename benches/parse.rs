//! Reading one message: `hl7v2` beside `hl7-parser`, the most used HL7 v2 crate, on the same bytes.
//!
//! Three kinds of work, because the two put theirs off differently: parsing alone; parsing and reading the twelve
//! fields routing needs; parsing and visiting every leaf, which leaves nothing put off. `own` reuses its index as
//! the gateway does; `own_fresh` allocates one each time.

use std::hint::black_box;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use hl7v2::{Index, Location, Message};

/// What the gateway reads to identify and route a message.
const ROUTING: [(&str, usize, usize); 12] = [
    ("MSH", 3, 1),
    ("MSH", 4, 1),
    ("MSH", 5, 1),
    ("MSH", 6, 1),
    ("MSH", 7, 1),
    ("MSH", 9, 1),
    ("MSH", 9, 2),
    ("MSH", 10, 1),
    ("MSH", 11, 1),
    ("MSH", 12, 1),
    ("PID", 3, 1),
    ("PV1", 3, 1),
];

const SUBJECTS: [(&str, &str); 2] = [
    ("adt_a01", include_str!("../fixtures/bench/adt_a01.hl7")),
    ("oru_r01", include_str!("../fixtures/bench/oru_r01.hl7")),
];

fn parse(criterion: &mut Criterion) {
    for (subject, text) in SUBJECTS {
        assert_same_values(text);
        let mut group = criterion.benchmark_group(format!("parse/{subject}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        alone(&mut group, text);
        routing(&mut group, text);
        leaves(&mut group, text);
        group.finish();
    }
}

fn alone(group: &mut BenchmarkGroup<'_, WallTime>, text: &str) {
    let mut index = Index::new();
    group.bench_function("own", |b| {
        b.iter(|| index.parse(black_box(text.as_bytes())).map(|m| m.segment_count()))
    });
    group.bench_function("own_fresh", |b| {
        b.iter(|| Message::parse(black_box(text.as_bytes())))
    });
    group.bench_function("hl7-parser", |b| {
        b.iter(|| hl7_parser::Message::parse(black_box(text)))
    });
}

fn routing(group: &mut BenchmarkGroup<'_, WallTime>, text: &str) {
    let mut index = Index::new();
    group.bench_function("own_routing_fields", |b| {
        b.iter(|| {
            let message = index
                .parse(black_box(text.as_bytes()))
                .expect("the fixture is a message");
            for (segment, field, component) in ROUTING {
                black_box(message.field(segment, field).component(component).raw());
            }
        });
    });
    group.bench_function("hl7-parser_routing_fields", |b| {
        b.iter(|| {
            let message = hl7_parser::Message::parse(black_box(text)).expect("the fixture is a message");
            for (segment, field, component) in ROUTING {
                black_box(rival_field(&message, segment, field, component));
            }
        });
    });
}

fn leaves(group: &mut BenchmarkGroup<'_, WallTime>, text: &str) {
    let mut index = Index::new();
    group.bench_function("own_every_leaf", |b| {
        b.iter(|| {
            let message = index
                .parse(black_box(text.as_bytes()))
                .expect("the fixture is a message");
            message
                .leaves()
                .map(|leaf| black_box(leaf.raw).len())
                .sum::<usize>()
        });
    });
    group.bench_function("hl7-parser_every_leaf", |b| {
        b.iter(|| {
            let message = hl7_parser::Message::parse(black_box(text)).expect("the fixture is a message");
            rival_leaves(&message)
                .map(|raw| black_box(raw).len())
                .sum::<usize>()
        });
    });
}

fn rival_field<'m>(
    message: &'m hl7_parser::Message<'_>,
    segment: &str,
    field: usize,
    component: usize,
) -> &'m str {
    let field = message.segment(segment).and_then(|segment| segment.field(field));
    field
        .and_then(|field| field.component(component))
        .map_or("", |component| component.raw_value())
}

fn rival_leaves<'m>(message: &'m hl7_parser::Message<'_>) -> impl Iterator<Item = &'m str> {
    let fields = message.segments().flat_map(|segment| segment.fields());
    let components = fields
        .flat_map(|field| field.repeats())
        .flat_map(|repeat| repeat.components());
    components
        .flat_map(|component| component.subcomponents())
        .map(|sub| sub.raw_value())
        .filter(|raw| !raw.is_empty())
}

/// A comparison of speed counts only while both sides read the same.
fn assert_same_values(text: &str) {
    let own = Message::parse(text.as_bytes()).expect("the fixture is a message");
    let rival = hl7_parser::Message::parse(text).expect("the fixture is a message");
    for (segment, field, component) in ROUTING {
        let raw = own.field(segment, field).component(component).raw();
        assert_eq!(raw, rival_field(&rival, segment, field, component).as_bytes());
    }
    // The rival splits MSH-2 at its own delimiters, so the header's first two fields are left out on both sides.
    let declared = |location: &Location| location.segment == "MSH" && location.field <= 2;
    let own: Vec<_> = own
        .leaves()
        .filter(|leaf| !declared(&leaf.location))
        .map(|leaf| leaf.raw)
        .collect();
    let rival: Vec<_> = rival_leaves(&rival).map(str::as_bytes).collect();
    let header = rival.len() - own.len();
    assert_eq!(own, rival[header..]);
}

criterion_group!(benches, parse);
criterion_main!(benches);
