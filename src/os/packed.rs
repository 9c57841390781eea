//! Values that are seldom looked at, kept in their encoding, which is a fraction of their size.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value in its encoding. Copies share it, and can be opened by any thread.
pub struct Packed<T> {
    bytes: Result<Arc<[u8]>, postcard::Error>,
    value: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// Encodes a value, which may be given by its parts.
    pub fn of(value: &impl Serialize) -> Self {
        Packed { bytes: postcard::to_stdvec(value).map(Arc::from), value: PhantomData }
    }

    /// The value.
    ///
    /// # Errors
    /// If it holds something that has no encoding, or if what was encoded is no such value.
    pub fn open(&self) -> Result<T, postcard::Error> {
        postcard::from_bytes(self.bytes.as_ref().map_err(Clone::clone)?)
    }
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Packed { bytes: self.bytes.clone(), value: PhantomData }
    }
}

impl<T> fmt::Debug for Packed<T> {
    /// Never the value: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} bytes)", self.bytes.as_ref().map_or(0, |bytes| bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let packed: Packed<(String, Vec<u8>)> = Packed::of(&("a", vec![1u8, 2]));
        assert_eq!(packed.clone().open().expect("open"), ("a".to_owned(), vec![1, 2]));
        assert_eq!(format!("{packed:?}"), "Packed(5 bytes)");
    }
}
