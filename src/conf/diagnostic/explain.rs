//! What each number of a complaint means, at length, for `--explain`.
//!
//! One entry for every [`Code`]; the compiler sees to it. A test reads the examples and expects the complaint.

use std::fmt;

use super::Code;

/// A complaint explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Which one
    pub code: Code,
    /// What is behind it and what comes of it
    pub why: &'static str,
    /// A piece of configuration that gives this complaint
    pub example: &'static str,
    /// The way out
    pub remedy: &'static str,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n\n{}\n\nFor example:\n", self.code, self.code.meaning().trim(), self.why)?;
        for line in self.example.lines() {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "\nWhat to do: {}", self.remedy)
    }
}

impl Code {
    /// What it means, at length.
    pub fn explain(self) -> Explanation {
        let (why, example, remedy) = text(self);
        Explanation { code: self, why, example, remedy }
    }

    /// The code with this number, written `KA0031`, `ka31` or `31`.
    pub fn from_text(text: &str) -> Option<Code> {
        let upper = text.trim().to_ascii_uppercase();
        let number: u16 = upper.strip_prefix("KA").unwrap_or(&upper).parse().ok()?;
        Code::ALL.iter().copied().find(|code| *code as u16 == number)
    }
}

/// Why, example, remedy.
#[rustfmt::skip]
fn text(code: Code) -> (&'static str, &'static str, &'static str) {
    match code {
        Code::File => (
            "The file named by -f, or one that its pattern matches, cannot be used. Executable files are refused, so that \
             no script is read as configuration. A daemon does not start; -t alone still ends with 0, as keepalived does.",
            "# keepalived-rs -t -f /etc/keepalived/nosuch.conf",
            "give the right name, or `chmod a-x` the file. With --strict (or -e) -t ends with an error.",
        ),
        Code::Line => (
            "A line has at most 1022 bytes, blanks and comments included. Of a longer one the first 1023 bytes are \
             dropped, and the rest is read as a line of its own. A line that holds a NUL byte is dropped as a whole.",
            "# one line of 1100 bytes",
            "break the line: words of a block of entries may stand on several lines, and long values can be joined with \
             definitions (`$NAME=value`).",
        ),
        Code::Include => (
            "A file that is to be included is missing, cannot be read, is a folder or executable, or includes itself. \
             `include` goes on without it; `includer`, `includem`, `includew`, `includeb`, `includea`, `include_check` and -e \
             make it a fault: then the daemon does not start.",
            "includem nosuch.conf",
            "correct the name. Names are relative to the file that has the include, and quotes are part of the name.",
        ),
        Code::Quote => (
            "A double quote opens a part of the line that no other quote closes. Everything from it on is lost. Outside \
             script commands a backslash does not protect a quote, and a quoted part never goes on in the next line.",
            "global_defs {\n    notification_email_from \"lb01@example.com\n}",
            "close the quote in the same line, or remove it: words without blanks need none.",
        ),
        Code::Definition => (
            "The use of a definition cannot be carried out: it refers to itself, its line would get too long, or a \
             built-in one such as ${_RANDOM 1 5} has the wrong words.",
            "$A=${A} x\nvrrp_instance ${A} {\n}",
            "let a definition refer to others only.",
        ),
        Code::Repeat => (
            "A ~SEQ or ~LST at the start of a line repeats the line, each time with other values. Its brackets, numbers or \
             lists cannot be read, its step leads away from its end, or it would repeat without reasonable end.",
            "~SEQ(I, 1, 0, 3) vrrp_instance VI_$I {",
            "write ~SEQ(NAME, FIRST, LAST), ~SEQ(NAME, FIRST, STEP, LAST) or ~LST(NAME, VALUE, VALUE).",
        ),
        Code::Many => (
            "Only the first 10,000 complaints are kept; the others still count for the exit code. So many mostly have one \
             cause: the file is not a configuration, or a brace is missing near its start.",
            "~SEQ(I, 1, 10001) nonsense_$I",
            "correct the first complaints, then look again.",
        ),
        Code::UnknownKeyword => (
            "The first word of a line is not a keyword of the block that it stands in. The line is ignored; if a block \
             follows, its lines count for the block around it. Often a brace is missing or too many above.",
            "vrrp_instance VI_1 {\n    prority 150\n}",
            "correct the word. `keepalived-rs --help keyword NAME` tells where a keyword belongs and what it takes.",
        ),
        Code::MissingWord => (
            "A keyword cannot do without a value. For most keywords reading stops right here, and neither -t (exit code 2) nor \
             a daemon goes on. An undefined ${NAME}, or a template that was not filled in, often is the reason.",
            "vrrp_instance VI_1 {\n    priority\n}",
            "give the value, or remove the line.",
        ),
        Code::UnknownOption => (
            "After a keyword or an object (an address, a peer, an interface) stands a word that is no option of it.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        \
             10.0.0.12/24 lable eth0:1\n    }\n}",
            "correct or remove the word; see `keepalived-rs --help keyword NAME`.",
        ),
        Code::BlockName => (
            "A block needs a name, or its name is taken already. A second block of the same name is skipped as a whole, \
             without a look at its lines.",
            "vrrp_instance VI_1 {\n}\nvrrp_instance VI_1 {\n}",
            "give each block a name of its own.",
        ),
        Code::Repeated => (
            "A setting is given twice where the first one counts.",
            "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n    group {\n        VI_2\n    }\n}",
            "keep one of the lines.",
        ),
        Code::Deprecated => (
            "The keyword still works, but it is an old name, or the wrong place for what it says.",
            "vrrp_instance VI_1 {\n    linkbeat_use_polling\n}",
            "use what the message names. Nothing else changes.",
        ),
        Code::MissingBrace => (
            "A block begins with `{`. Without it the next line is taken as the first one of the block, and the braces \
             that follow do not fit any more.",
            "global_defs\nrouter_id lb01\n}",
            "write the `{` at the end of the line that opens the block.",
        ),
        Code::Unclosed => (
            "The file ends, and a block is still open: everything after its `{` was read as part of it.",
            "vrrp_instance VI_1 {\n    virtual_ipaddress {\n        10.0.0.12/24\n}",
            "add the `}`. The place shown is where the block was opened that is still open at the end; the brace is missing \
             there or in a block below.",
        ),
        Code::ExtraBrace => (
            "A brace stands where no block begins or ends. A `{` too many makes a later `}` close the block around it; \
             a `}` too many makes what follows stand outside its block.",
            "global_defs {\n}\n}",
            "remove the brace, or find the one above that closed too early.",
        ),
        Code::EmptyBlock => (
            "A block of entries has none.",
            "global_defs {\n    notification_email {\n    }\n}",
            "add entries, or remove the block.",
        ),
        Code::BlockWords => (
            "A block of entries takes no words before its `{`. A missing blank before the brace, or everything on one \
             line, looks like this.",
            "global_defs {\n    notification_email me@example.com {\n    }\n}",
            "write the keyword and `{`, then one entry a line, then `}`.",
        ),
        Code::Number => (
            "A number has other characters in it or is out of its range. Hexadecimal and exponents are no numbers here.",
            "vrrp_instance VI_1 {\n    virtual_router_id 256\n}",
            "give a whole number within the range shown.",
        ),
        Code::Bool => (
            "Yes is yes, true or on; no is no, false or off; in lower case. For most such keywords no word at all means yes.",
            "global_defs {\n    vrrp_strict 1\n}",
            "use one of these words.",
        ),
        Code::Time => (
            "A time is a number of seconds, with at most one point and a few decimals, and no unit behind it: in `1s` the \
             letter makes it one millionth of a second. It may also be out of range, or need rounding.",
            "vrrp_instance VI_1 {\n    advert_int 0\n}",
            "give plain seconds within the range shown.",
        ),
        Code::Address => (
            "An address cannot be read, or is of the wrong kind: IPv6 among IPv4, multicast where a host is wanted.",
            "vrrp_instance VI_1 {\n    virtual_ipaddress {\n        10.0.0.300\n    }\n}",
            "write IPv4 as four numbers without leading zeros, and keep one family in virtual_ipaddress; others belong into \
             virtual_ipaddress_excluded.",
        ),
        Code::Choice => (
            "The word is none of those that are possible here. Case counts.",
            "vrrp_instance VI_1 {\n    state SLAVE\n}",
            "use one of the words shown.",
        ),
        Code::Name => (
            "A name is longer than the system allows (15 bytes for an interface or an address label), or has a blank or a \
             slash in it.",
            "vrrp_instance VI_1 {\n    interface an-interface-with-a-long-name\n}",
            "shorten it, here and where it is used.",
        ),
        Code::Host => (
            "The name of a host is looked up while the configuration is read, and has no address.",
            "global_defs {\n    smtp_server no-such-host.invalid\n}",
            "correct it, or give an address: it needs no name service when the daemon starts.",
        ),
        Code::Interface => (
            "An interface does not exist on this machine, or cannot be used for this. Where an instance needs it, the \
             daemon does not start.",
            "vrrp_instance VI_1 {\n    interface nosuch0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    \
             }\n}",
            "correct the name (`ip link` shows those that exist), or set `dynamic_interfaces` if it appears later.",
        ),
        Code::Incomplete => (
            "An instance lacks what it cannot do without: its id, its interface, the peers for unicast.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "add the line that the message names.",
        ),
        Code::Conflict => (
            "Two settings exclude each other. One of them is dropped or changed; the effect says which.",
            "vrrp_instance VI_1 {\n    state MASTER\n    priority 150\n    interface eth0\n    virtual_router_id 51\n    nopreempt\n    \
             virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "decide for one. For nopreempt, all nodes say `state BACKUP`.",
        ),
        Code::DuplicateRouter => (
            "Two instances use the same virtual_router_id with the same address family on the same interface. Their adverts \
             could not be told apart, so the daemon does not start.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}\n\
             vrrp_instance VI_2 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.13\n    }\n}",
            "give one of them another id, the same on all its nodes.",
        ),
        Code::NoAddress => (
            "An instance without virtual addresses elects a master, and nothing moves.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n}",
            "add `virtual_ipaddress { ... }`, or say `no_virtual_ipaddress` if scripts do the work.",
        ),
        Code::DuplicateAddress => (
            "An address stands twice in one instance, or a peer twice.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n        \
             10.0.0.12\n    }\n}",
            "remove one of the lines.",
        ),
        Code::Authentication => (
            "Authentication cannot be had as configured: VRRP version 3 and strict mode know none, a password is missing, \
             or it is longer than the 8 bytes that a packet has room for.",
            "vrrp_instance VI_1 {\n    version 3\n    interface eth0\n    virtual_router_id 51\n    authentication {\n        \
             auth_type PASS\n        auth_pass example\n    }\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "remove the block, or use version 2. The password travels in clear: it guards against mistakes, not against people.",
        ),
        Code::Reference => (
            "A name refers to something that is not defined, or that is defined only further down: scripts, files, \
             processes and BFD sessions have to stand above the instance that follows them.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    track_script {\n        chk_nginx\n    }\n    \
             virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "correct the name, or move the definition up.",
        ),
        Code::Group => (
            "A sync group has no members, only one, or one that is in another group.",
            "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n}\nvrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    \
             virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "name the instances that change state together, each in one group, or remove the group.",
        ),
        Code::Script => (
            "A script is missing, cannot be executed, or its path leads over something that others than root could change. \
             It is not run.",
            "vrrp_script chk {\n    script /nosuch/script.sh\n}\nvrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    \
             track_script {\n        chk\n    }\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "correct the path, `chmod +x` the file, and give the full path: /usr/bin/x, not /bin/x, where /bin is a link.",
        ),
        Code::ScriptSecurity => (
            "Scripts run as root while enable_script_security is not set: nobody checks whether others than root could \
             change them. -t ends with 6; the daemon runs.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    notify /etc/keepalived/notify.sh\n    virtual_ipaddress {\n        \
             10.0.0.12\n    }\n}",
            "set `enable_script_security` in global_defs, and `script_user` to somebody with few rights.",
        ),
        Code::User => (
            "The user or group that a script is to run as does not exist. Numbers are taken as names.",
            "global_defs {\n    script_user nosuchuser\n}",
            "create the user (`useradd -r keepalived_script`), or name another.",
        ),
        Code::Service => (
            "A virtual server is incomplete or contradicts itself. A default is used, or it is not set up; the message says \
             which.",
            "virtual_server 10.0.0.12 80 {\n    lvs_sched rr\n    lvs_method NAT\n    real_server 10.0.0.64 80 {\n    }\n}",
            "set protocol, lvs_sched and lvs_method, and at least one real_server.",
        ),
        Code::SharedId => (
            "Two instances have the same id on one interface. keepalived allows it since their multicast groups differ; but \
             other routers, and a virtual MAC address (made of the id), cannot tell them apart.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}\n\
             vrrp_instance VI_2 {\n    interface eth0\n    virtual_router_id 51\n    mcast_dst_ip 224.0.0.81\n    virtual_ipaddress {\n        \
             10.0.0.13\n    }\n}",
            "give one of them another virtual_router_id on all its nodes.",
        ),
        Code::SharedAddress => (
            "The same address is in two instances on one interface. When one of them becomes backup it takes the address \
             away from the other.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}\n\
             vrrp_instance VI_2 {\n    interface eth0\n    virtual_router_id 52\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "keep the address in one instance.",
        ),
        Code::TwinAddress => (
            "For Linux the first address of an IPv4 subnet on an interface is the primary one, and further ones of the same \
             prefix hang on it: if it goes, they go too, unless the sysctl promote_secondaries is set. Here addresses of \
             different instances are of one subnet, and the interface has no address of its own in it. When one instance \
             becomes backup, the kernel may take the addresses of the other.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12/24\n    }\n}\n\
             vrrp_instance VI_2 {\n    interface eth0\n    virtual_router_id 52\n    virtual_ipaddress {\n        10.0.0.13/24\n    }\n}",
            "set `promote_secondaries` in one of the instances, write the addresses without prefix length if the interface has \
             the subnet anyway, or put both into one instance.",
        ),
        Code::LoneAddress => (
            "An address without prefix length is a host address: it brings no route to its neighbours. That is right where \
             the interface has an address of the same subnet; here it has none, so answers leave by the default route.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        192.0.2.12\n    }\n}",
            "write the prefix length (192.0.2.12/24), or choose the interface that has the subnet with `dev`.",
        ),
        Code::NotAHost => (
            "With its prefix length the address is the first or the last of the subnet: the name of the network, or its \
             broadcast address. Hosts do not answer there.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.0/24\n    }\n}",
            "give the address of a host and the prefix length of its subnet.",
        ),
        Code::StrictAccess => (
            "In strict mode a router that does not own the addresses (priority 255) has to drop packets that are sent to \
             them: ping, ssh and every service on the virtual address are dead.",
            "global_defs {\n    vrrp_strict\n}\nvrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        \
             10.0.0.12\n    }\n}",
            "remove vrrp_strict; few need it. With version 3, `accept` in the instance helps as well.",
        ),
        Code::WeakPassword => (
            "The password is one that tutorials use. It does not keep another pair of routers, set up after the same \
             tutorial, from taking part.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    authentication {\n        auth_type PASS\n        auth_pass 1111\n    \
             }\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "use up to 8 random bytes, the same on all nodes of the instance.",
        ),
        Code::NotOwner => (
            "Priority 255 is for the router that has the address itself, without VRRP. It does not take part in elections, is \
             never preempted, and two routers with 255 both stay master.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    priority 255\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "use 254 or less. Without a priority, `state MASTER` alone means 255: add one.",
        ),
        Code::IdleWeight => (
            "Priorities stay within 1 and 254. The base priority is at the end already to which this weight would move \
             it, or it is 255, which nothing moves.",
            "track_file load {\n    file /run/load\n}\nvrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    priority 254\n    \
             track_file {\n        load weight 10\n    }\n    track_interface {\n        eth1 weight 10\n    }\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "leave room for the weight: it must exceed the distance between the priorities of two nodes.",
        ),
        Code::SelfPeer => (
            "unicast_peer names an address of this node. Peers are the other nodes; often one file was copied to all.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    unicast_src_ip 10.0.0.1\n    unicast_peer {\n        \
             10.0.0.1\n    }\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "list the addresses of the other nodes only. Lines that begin with `@lb01` count on that node alone.",
        ),
        Code::ShellSyntax => (
            "Commands are run without a shell: |, >, &&, ; and $( ) reach the program as plain arguments.",
            "vrrp_script chk {\n    script \"/usr/bin/pidof nginx || exit 1\"\n}",
            "put the line into a script file, or run `/bin/sh -c '...'`.",
        ),
        Code::LostWords => (
            "The command is the first word. Further words are not its arguments: without quotes around the whole command they \
             are ignored.",
            "vrrp_script chk {\n    script /usr/bin/killall -0 nginx\n}",
            "put the whole command in double quotes.",
        ),
        Code::ScriptTimeout => (
            "A run that hangs is ended after its timeout. If that is not below the interval, the next run is due while the \
             last one is still going; it is left out, and failures are found later than the interval promises.",
            "vrrp_script chk {\n    script /usr/bin/true\n    interval 2\n    timeout 5\n}",
            "choose a timeout below the interval.",
        ),
        Code::ScriptUnused => (
            "The script is defined, and no instance or group has it in its track_script: it is never run.",
            "vrrp_script chk {\n    script /usr/bin/true\n}\nvrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    \
             virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "add `track_script { NAME }` to the instance below it, or remove the script.",
        ),
        Code::ScriptsOpen => (
            "Scripts are configured without enable_script_security: nobody checks whether others than root could change \
             them. As soon as one of the scripts exists on this machine, -t ends with 6.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    notify /nosuch/notify.sh\n    virtual_ipaddress {\n        \
             10.0.0.12\n    }\n}",
            "set `enable_script_security` in global_defs, and `script_user` to somebody with few rights.",
        ),
        Code::SampleValue => (
            "The value is the one of the sample file that is installed with keepalived.",
            "global_defs {\n    router_id LVS_DEVEL\n}",
            "put in your own, or remove the line: router_id is the host name without it.",
        ),
        Code::SilentMail => (
            "Recipients are set up, but mails about instances are sent only where smtp_alert says so, and there are no \
             real servers, whose mails need no word.",
            "global_defs {\n    notification_email {\n        ops@example.com\n    }\n}\nvrrp_instance VI_1 {\n    interface eth0\n    \
             virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "add `smtp_alert` to the instances (or to global_defs for all), or remove the recipients.",
        ),
        Code::NewerKeyword => (
            "The release named by --target does not know the keyword: there the line would be a fault.",
            "global_defs {\n    vrrp_delay_after_boot 5\n}",
            "leave it out on nodes that run the older release.",
        ),
        Code::OldName => (
            "keepalived accepts the old name and says nothing. A later release may stop that.",
            "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    preempt\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}",
            "use the name that the note shows, or remove the line.",
        ),
    }
}
