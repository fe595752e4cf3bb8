//! A warm index allocates nothing: not while parsing, not while reading raw values, not while visiting leaves.
//!
//! The counting allocator is this test's own.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hl7v2::Index;

struct Counting;

thread_local! {
    /// Of this thread alone: the test harness allocates on its own while a test runs.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// SAFETY: every call is passed on to the system allocator as it came; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The work a gateway does before it translates: parse, read the header, visit every leaf.
fn work(index: &mut Index, bytes: &[u8]) -> usize {
    let message = index.parse(bytes).expect("the fixture is a message");
    let header = message.header();
    let read = header.control_id().len() + header.trigger_event().len() + header.sending_facility().len();
    let identifiers: usize = message
        .field("PID", 3)
        .repetitions()
        .map(|r| r.component(1).text().len())
        .sum();
    read + identifiers + message.leaves().map(|leaf| leaf.raw.len()).sum::<usize>()
}

#[test]
fn a_warm_index_allocates_nothing() {
    let messages: [&[u8]; 2] = [
        include_bytes!("../../../fixtures/bench/adt_a01.hl7"),
        include_bytes!("../../../fixtures/bench/oru_r01.hl7"),
    ];
    let mut index = Index::new();
    let cold = ALLOCATIONS.get();
    let expected = messages.map(|bytes| work(&mut index, bytes));
    assert!(ALLOCATIONS.get() > cold, "the counter counts");
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        let again = messages.map(|bytes| work(&mut index, bytes));
        assert_eq!(again, expected);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
