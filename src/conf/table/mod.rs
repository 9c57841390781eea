//! THE list of keywords: where each stands, what it takes, what it is for, and what it does to the raw configuration.
//!
//! One file per family. A keyword exists here and nowhere else; documentation and completion are made from this list. It
//! holds no values and reads nothing: the functions that its entries name are in `conf::apply`.

mod checker;
pub mod forms;
mod global;
mod global_notify;
mod global_process;
mod instance;
mod root;
mod service;
mod track;

/// What the family files are written with.
mod prelude {
    pub(super) use super::{Block, Keyword, Owners, block, checked_lines, lines, set};
    pub(super) use crate::conf::apply::global::{self, fifo, files, firewall, lvs, mail, process, vrrp, windows};
    pub(super) use crate::conf::apply::{
        address, auth, bfd, checker, checker_http, checker_kinds, closed, extras, garp, group, instance, nothing,
        notify, own_link, route, rule, schedule, server, server_group, service, ssl, track, tracker,
    };
}

use std::sync::LazyLock;

use super::apply::nothing;
use super::hash::Map;
use super::reader::{Apply, Close};

/// A place where keywords can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names are those of the blocks, see `path`.
pub enum Block {
    Root,
    GlobalDefs,
    TrackGroup,
    SyncGroup,
    GarpGroup,
    Instance,
    Authentication,
    AuthHmac,
    Script,
    TrackProcess,
    TrackFile,
    VrrpTrackFile,
    Bfd,
    Ssl,
    VirtualServer,
    RealServer,
    MiscCheck,
    SmtpCheck,
    SmtpHost,
    TcpCheck,
    PingCheck,
    UdpCheck,
    HttpGet,
    HttpUrl,
    SslGet,
    SslUrl,
    DnsCheck,
    FileCheck,
    BfdCheck,
}

impl Block {
    /// All blocks.
    pub const ALL: [Block; 29] = [
        Block::Root,
        Block::GlobalDefs,
        Block::TrackGroup,
        Block::SyncGroup,
        Block::GarpGroup,
        Block::Instance,
        Block::Authentication,
        Block::AuthHmac,
        Block::Script,
        Block::TrackProcess,
        Block::TrackFile,
        Block::VrrpTrackFile,
        Block::Bfd,
        Block::Ssl,
        Block::VirtualServer,
        Block::RealServer,
        Block::MiscCheck,
        Block::SmtpCheck,
        Block::SmtpHost,
        Block::TcpCheck,
        Block::PingCheck,
        Block::UdpCheck,
        Block::HttpGet,
        Block::HttpUrl,
        Block::SslGet,
        Block::SslUrl,
        Block::DnsCheck,
        Block::FileCheck,
        Block::BfdCheck,
    ];

    /// The keywords that lead here, joined by slashes; empty for what stands outside any block.
    pub fn path(self) -> &'static str {
        match self {
            Block::Root => "",
            Block::GlobalDefs => "global_defs",
            Block::TrackGroup => "track_group",
            Block::SyncGroup => "vrrp_sync_group",
            Block::GarpGroup => "garp_group",
            Block::Instance => "vrrp_instance",
            Block::Authentication => "vrrp_instance/authentication",
            Block::AuthHmac => "vrrp_instance/auth_hmac",
            Block::Script => "vrrp_script",
            Block::TrackProcess => "vrrp_track_process",
            Block::TrackFile => "track_file",
            Block::VrrpTrackFile => "vrrp_track_file",
            Block::Bfd => "bfd_instance",
            Block::Ssl => "SSL",
            Block::VirtualServer => "virtual_server",
            Block::RealServer => "virtual_server/real_server",
            Block::MiscCheck => "virtual_server/real_server/MISC_CHECK",
            Block::SmtpCheck => "virtual_server/real_server/SMTP_CHECK",
            Block::SmtpHost => "virtual_server/real_server/SMTP_CHECK/host",
            Block::TcpCheck => "virtual_server/real_server/TCP_CHECK",
            Block::PingCheck => "virtual_server/real_server/PING_CHECK",
            Block::UdpCheck => "virtual_server/real_server/UDP_CHECK",
            Block::HttpGet => "virtual_server/real_server/HTTP_GET",
            Block::HttpUrl => "virtual_server/real_server/HTTP_GET/url",
            Block::SslGet => "virtual_server/real_server/SSL_GET",
            Block::SslUrl => "virtual_server/real_server/SSL_GET/url",
            Block::DnsCheck => "virtual_server/real_server/DNS_CHECK",
            Block::FileCheck => "virtual_server/real_server/FILE_CHECK",
            Block::BfdCheck => "virtual_server/real_server/BFD_CHECK",
        }
    }

    /// The keyword that opens it, as messages name it.
    pub fn name(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// The lists whose keywords may stand here.
    fn lists(self) -> &'static [&'static [Keyword]] {
        use checker::{COMMON, CONNECT, HTTP, URL};
        // Statics cannot be borrowed in a promoted constant, so each list of lists is a static of its own.
        macro_rules! lists {
            ($($list:expr),*) => {{
                static LISTS: LazyLock<Vec<&'static [Keyword]>> = LazyLock::new(|| vec![$($list),*]);
                &LISTS
            }};
        }
        match self {
            Block::Root => lists!(root::ROOT),
            Block::GlobalDefs => {
                lists!(global::VRRP, global_process::PROCESS, global_process::FILES, global_notify::NOTIFY)
            }
            Block::TrackGroup => lists!(track::TRACK_GROUP),
            Block::SyncGroup => lists!(track::SYNC_GROUP),
            Block::GarpGroup => lists!(track::GARP_GROUP),
            Block::Instance => lists!(instance::INSTANCE),
            Block::Authentication => lists!(instance::AUTHENTICATION),
            Block::AuthHmac => lists!(instance::AUTH_HMAC),
            Block::Script => lists!(track::SCRIPT),
            Block::TrackProcess => lists!(track::TRACK_PROCESS),
            Block::TrackFile | Block::VrrpTrackFile => lists!(track::TRACK_FILE),
            Block::Bfd => lists!(track::BFD),
            Block::Ssl => lists!(service::SSL),
            Block::VirtualServer => lists!(service::VIRTUAL_SERVER),
            Block::RealServer => lists!(service::REAL_SERVER),
            Block::MiscCheck => lists!(COMMON, checker::MISC),
            Block::SmtpCheck => lists!(COMMON, CONNECT, checker::SMTP),
            Block::SmtpHost | Block::TcpCheck | Block::PingCheck => lists!(COMMON, CONNECT),
            Block::UdpCheck => lists!(COMMON, CONNECT, checker::UDP),
            Block::HttpGet => lists!(COMMON, CONNECT, HTTP, checker::HTTP_URLS),
            Block::HttpUrl => lists!(URL),
            Block::SslGet => lists!(COMMON, CONNECT, HTTP, checker::SSL_ONLY),
            Block::SslUrl => lists!(URL, checker::SSL_URL),
            Block::DnsCheck => lists!(COMMON, CONNECT, checker::DNS),
            Block::FileCheck => lists!(checker::FILE),
            Block::BfdCheck => lists!(checker::BFD_CHECK),
        }
    }

    /// The keywords that may stand here.
    pub fn keywords(self) -> impl Iterator<Item = &'static Keyword> {
        self.lists().iter().copied().flatten()
    }
}

/// The processes that a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owners(u8);

impl Owners {
    /// The parent
    pub const CORE: Owners = Owners(1);
    /// Health checks
    pub const CHECK: Owners = Owners(2);
    /// VRRP
    pub const VRRP: Owners = Owners(4);
    /// BFD
    pub const BFD: Owners = Owners(8);
    const CHECK_AND_VRRP: Owners = Owners(2 + 4);
    const ALL_BUT_CORE: Owners = Owners(2 + 4 + 8);

    /// The one that reads first.
    pub fn first(self) -> Owners {
        Owners(self.0 & self.0.wrapping_neg())
    }

    /// Whether they have a process in common.
    pub fn meets(self, other: Owners) -> bool {
        self.0 & other.0 != 0
    }
}

/// What the beginning and the end of a block do.
type Ends = (Apply, Close);

/// What a keyword does.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Writes a raw value
    Set(Apply),
    /// Opens a block of keywords
    Block { of: Block, open: Apply, close: Close },
    /// Opens a block whose lines are entries. The first function is given the keyword, the second each entry.
    Lines(Apply, Apply),
}

/// One keyword in one block.
#[derive(Clone, Copy)]
pub struct Keyword {
    /// The word itself
    pub name: &'static str,
    /// What follows it
    pub arguments: &'static str,
    /// Which values are possible, with their unit
    pub range: &'static str,
    /// What counts without it
    pub default: &'static str,
    /// What it is for
    pub effect: &'static str,
    /// The release of keepalived that brought it, if 2.2.7 does not know it
    pub since: Option<&'static str>,
    /// Keepalived does not know it: an extension of ours
    pub ours: bool,
    /// Why not to use it any more
    pub deprecated: Option<&'static str>,
    /// What it does
    pub(super) action: Action,
    /// Who reads it; only looked at outside blocks
    pub(super) owners: Owners,
}

impl Keyword {
    const fn old(self, reason: &'static str) -> Self {
        Keyword { deprecated: Some(reason), ..self }
    }

    const fn since(self, release: &'static str) -> Self {
        Keyword { since: Some(release), ..self }
    }

    const fn ours(self) -> Self {
        Keyword { ours: true, ..self }
    }

    const fn by(self, owners: Owners) -> Self {
        Keyword { owners, ..self }
    }

    /// Whether both are described in the same words.
    pub fn same_words(&self, other: &Keyword) -> bool {
        let words = |it: &Keyword| {
            let words = (it.arguments, it.range, it.default, it.effect);
            (words, it.since, it.ours, it.deprecated)
        };
        words(self) == words(other)
    }

    /// The range without what is said about it in brackets and after semicolons.
    pub fn short_range(&self) -> &'static str {
        let end = self.range.find([';', '(', ',']).unwrap_or(self.range.len());
        self.range.get(..end).unwrap_or_default().trim_end()
    }

    /// Whether the block it opens has a name.
    pub fn takes_name(&self) -> bool {
        self.arguments.starts_with("NAME")
    }

    /// Whether its first word is a script, whose quotes follow rules of their own.
    pub fn takes_script(&self) -> bool {
        self.arguments.starts_with("SCRIPT") || self.arguments.starts_with("[SCRIPT")
    }
}

macro_rules! constructors {
    ($($(#[doc = $doc:literal])* $name:ident, ($($arg:ident: $kind:ty),*) => $action:expr;)*) => {$(
        $(#[doc = $doc])*
        const fn $name(
            name: &'static str,
            arguments: &'static str,
            range: &'static str,
            default: &'static str,
            effect: &'static str,
            $($arg: $kind),*
        ) -> Keyword {
            Keyword {
                name,
                arguments,
                range,
                default,
                effect,
                since: None,
                ours: false,
                deprecated: None,
                action: $action,
                owners: Owners::CORE,
            }
        }
    )*};
}

constructors! {
    /// A keyword with a value.
    set, (apply: Apply) => Action::Set(apply);
    /// A block of keywords.
    block, (of: Block, ends: Ends) => Action::Block { of, open: ends.0, close: ends.1 };
    /// A block of entries.
    lines, (entry: Apply) => Action::Lines(nothing, entry);
    /// A block of entries whose beginning means something, or which must not be empty.
    checked_lines, (functions: (Apply, Apply)) => Action::Lines(functions.0, functions.1);
}

type Index = Map<(Block, &'static [u8]), &'static Keyword>;

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let of = |block: Block| block.keywords().map(move |it| ((block, it.name.as_bytes()), it));
    Block::ALL.into_iter().flat_map(of).collect()
});

/// The keyword with this name in this block.
pub fn find(block: Block, name: &[u8]) -> Option<&'static Keyword> {
    INDEX.get(&(block, name)).copied()
}

/// How many letters have to be added, dropped, exchanged or swapped with their neighbour to turn one word into the other.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = at(&last, j) + usize::from(x != y);
            best = best.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

/// Names that were replaced long ago and still stand in many files.
const RENAMED: [(&str, &str); 4] = [
    ("lvs_id", "router_id"),
    ("nb_get_retry", "retry"),
    ("lvs_sync_daemon_inteface", "lvs_sync_daemon_interface"),
    ("est_timeout", "persistence_timeout"),
];

/// The keyword of the block that `word` was probably meant to be.
pub fn suggestion(block: Block, word: &str) -> Option<&'static str> {
    let renamed = RENAMED.iter().find(|(old, _)| *old == word).map(|(_, new)| *new);
    if let Some(new) = renamed.filter(|new| find(block, new.as_bytes()).is_some()) {
        return Some(new);
    }
    let length = word.chars().count();
    if length > 40 {
        return None;
    }
    let near = |name: &&'static str| name.len().abs_diff(length) <= 3;
    block
        .keywords()
        .map(|keyword| keyword.name)
        .filter(near)
        .map(|name| (distance(&word.to_lowercase(), name), name))
        .filter(|(distance, name)| *distance <= (name.len().max(length) / 3).min(3))
        .min()
        .map(|(_, name)| name)
}

/// Other blocks that have a keyword of this name.
pub fn blocks_with(name: &[u8]) -> impl Iterator<Item = Block> {
    Block::ALL.into_iter().filter(move |block| find(*block, name).is_some())
}

#[cfg(test)]
mod tests;
