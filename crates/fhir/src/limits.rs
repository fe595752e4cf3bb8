//! How much a document may ask of us before we refuse it.

/// Bounds on a document; every reader has them.
///
/// Depth protects the stack. The count of objects and list items protects memory: three bytes of JSON can
/// stand for a structure of several hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest document.
    pub bytes_max: usize,
    /// Deepest nesting of objects and arrays.
    pub depth_max: usize,
    /// Most objects and list items in one document.
    pub items_max: usize,
}

impl Limits {
    /// What is used where nothing else is said.
    pub const DEFAULT: Self = Self {
        bytes_max: 16 * 1024 * 1024,
        depth_max: 64,
        items_max: 500_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
