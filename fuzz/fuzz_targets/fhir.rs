//! Any text as a resource: refused with a place, or read and written so that it reads the same; both ways to write agree.
#![no_main]

use fhir::Resource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let resource = match Resource::from_slice(input) {
        Ok(resource) => resource,
        Err(error) => {
            assert!(error.offset() <= input.len());
            return;
        }
    };
    let written = resource.to_vec();
    assert_eq!(written, serde_json::to_vec(&resource).expect("a resource can be written"));
    let again = Resource::from_slice(&written).expect("what was written can be read");
    assert_eq!(again.to_vec(), written);
    let _ = resource.check();
});
