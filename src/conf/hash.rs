//! Maps and sets by names, with a hash made for short keys.
//!
//! Long files ask for names hundreds of thousands of times. The hash is seeded for each map, so that no file can be
//! written whose names all collide. Used by whatever keeps names of a configuration; not for anything else.

/// A map by names.
pub type Map<K, V> = foldhash::HashMap<K, V>;
/// A set of names.
pub type Set<K> = foldhash::HashSet<K>;
