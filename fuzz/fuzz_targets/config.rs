//! Any text as a configuration: it loads, or every problem names a line that is there.
#![no_main]

use gateway::config::{load, print_config};
use libfuzzer_sys::fuzz_target;
use translate::dialect::{ITK, STANDARD};

fuzz_target!(|text: &str| {
    match load(text, "fuzz", &[&STANDARD, &ITK]) {
        Ok(settings) => {
            assert!(print_config(text, "fuzz", &[]).is_ok(), "what loads can be shown");
            for interface in &settings.interfaces {
                assert!(interface.to < settings.endpoints.len());
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = text.lines().count().max(1);
            for problem in problems {
                assert!((1..=lines + 1).contains(&problem.line), "{problem}");
                assert!(!problem.message.is_empty());
            }
        }
    }
});
