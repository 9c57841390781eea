//! The stable numbers of complaints, so that people can search for them and scripts can rely on them.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal,)*) => {
        /// What a complaint is about. The number never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl Code {
            /// All of them, by number.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// One sentence on what the complaint is about.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),*),)*
                }
            }
        }
    };
}

codes! {
    /// A configuration file is missing, unreadable, a directory or executable.
    File = 1,
    /// A line is too long or holds a NUL byte.
    Line = 2,
    /// An include fails, or files include each other in a circle.
    Include = 3,
    /// A quote is opened and never closed.
    Quote = 4,
    /// A definition cannot be used as it is written, or refers to itself.
    Definition = 5,
    /// A `~SEQ` or `~LST` cannot be read, or repeats too much.
    Repeat = 6,
    /// There are more complaints than anybody reads.
    Many = 7,
    /// A keyword is not known in this block.
    UnknownKeyword = 12,
    /// A keyword lacks a value that it needs.
    MissingWord = 13,
    /// A word after a keyword or an object is not understood.
    UnknownOption = 14,
    /// A block has no name, or a name that is taken.
    BlockName = 15,
    /// A setting is given twice.
    Repeated = 16,
    /// An old name or form that should be replaced.
    Deprecated = 17,
    /// A `{` is missing where a block begins.
    MissingBrace = 30,
    /// A block is never closed.
    Unclosed = 31,
    /// A brace stands where none belongs.
    ExtraBrace = 32,
    /// A block has nothing in it.
    EmptyBlock = 33,
    /// Words stand between the name of a block and its `{`.
    BlockWords = 34,
    /// A number is not a number or out of its range.
    Number = 101,
    /// A yes or no is neither.
    Bool = 102,
    /// A time is not a time or out of its range.
    Time = 103,
    /// An address cannot be read, or is of the wrong kind.
    Address = 104,
    /// A word is none of those that are possible here.
    Choice = 105,
    /// A name is too long or has bytes that it must not have.
    Name = 106,
    /// A host name cannot be resolved.
    Host = 107,
    /// An interface does not exist or cannot be used.
    Interface = 110,
    /// An instance lacks what it cannot do without.
    Incomplete = 201,
    /// Two settings exclude each other.
    Conflict = 202,
    /// Two virtual routers would be one and the same.
    DuplicateRouter = 203,
    /// An instance has no virtual address.
    NoAddress = 204,
    /// An address is there twice.
    DuplicateAddress = 205,
    /// Authentication cannot be used as configured.
    Authentication = 206,
    /// A name refers to nothing that is defined.
    Reference = 207,
    /// A sync group has too few members or members that do not fit.
    Group = 208,
    /// A script is missing or cannot be run.
    Script = 301,
    /// Scripts run that others than root could change.
    ScriptSecurity = 302,
    /// A user or group does not exist.
    User = 303,
    /// A virtual server is incomplete or contradicts itself.
    Service = 401,
    /// Two routers of this file have the same id on one link and differ in their multicast group only.
    SharedId = 501,
    /// An address belongs to two instances of this file.
    SharedAddress = 502,
    /// Addresses of two instances depend on each other, because the kernel ties addresses of one subnet together.
    TwinAddress = 503,
    /// An address without prefix length fits into no subnet of its interface.
    LoneAddress = 504,
    /// An address is that of a whole subnet, or its broadcast address.
    NotAHost = 505,
    /// Strict mode makes a virtual address unreachable.
    StrictAccess = 511,
    /// A password stands in every tutorial.
    WeakPassword = 512,
    /// A router says that it owns an address that it does not have.
    NotOwner = 513,
    /// A weight can never change the priority.
    IdleWeight = 514,
    /// A router is its own peer.
    SelfPeer = 515,
    /// A command has shell syntax, and no shell runs it.
    ShellSyntax = 521,
    /// Words behind a command are lost.
    LostWords = 522,
    /// A script may run longer than the time between two runs.
    ScriptTimeout = 523,
    /// A script is defined and nobody follows it.
    ScriptUnused = 524,
    /// Scripts are configured, and what they may be is not checked.
    ScriptsOpen = 525,
    /// A value was left from a sample file.
    SampleValue = 531,
    /// Mail has recipients and no occasion.
    SilentMail = 532,
    /// A keyword is newer than the release that is asked for.
    NewerKeyword = 541,
    /// A name still works and has a successor.
    OldName = 542,
}

impl Code {
    /// Whether it is a note of our own on what keepalived accepts.
    pub fn is_lint(self) -> bool {
        (500..600).contains(&(self as u16))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KA{:04}", *self as u16)
    }
}
