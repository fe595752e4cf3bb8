//! `eprgw explain`: what a field means, and which rows and dialect rules touch it.

use crate::exit::Failure;
use crate::{names, output};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A field or component: PID-3, PV1-3.2
    place: String,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let explanation = translate::explain(&options.place, &names::dialects());
    if explanation.is_empty() {
        let words = "nothing is known under {}: say a field (PID-3), a segment, a row or an element";
        return Err(Failure::Usage.because(words.replace("{}", &options.place)));
    }
    output::text(explanation)
}
