//! What a removal without a daemon (`--cleanup`) came to.

/// What became of what a configuration owns in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Objects that were there and are not any more, as people name them
    pub removed: Vec<String>,
    /// Objects that the kernel did not give up
    pub left: Vec<String>,
}

impl Cleanup {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Cleanup) -> Self {
        self.removed.extend(other.removed);
        self.left.extend(other.left);
        self
    }
}
