//! Lines of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`.

use std::net::{IpAddr, Ipv4Addr};

use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::environment::NameTable;
use crate::conf::raw::RawAddress;
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::address::AddressFlags;
use crate::model::{Family, IfName, Lifetime};

/// Interface of a static address that names none, if `default_interface` does not say otherwise.
const DEFAULT_INTERFACE: &str = "eth0";

/// What `brd` asks for.
enum Broadcast {
    This(Ipv4Addr),
    /// `+`: host bits set
    Ones,
    /// `-`: host bits cleared
    Zeros,
}

/// The broadcast address of an IPv4 address; `None` for a prefix that leaves no room for one.
fn broadcast_of(ip: Ipv4Addr, prefix_len: u8, ones: bool) -> Option<Ipv4Addr> {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix_len)).unwrap_or(0);
    let bits = if ones { ip.to_bits() | host_bits } else { ip.to_bits() & !host_bits };
    (prefix_len <= 30).then(|| Ipv4Addr::from_bits(bits))
}

/// Reads `ADDR[/LEN]`; `None` after a complaint that drops the line.
fn head(reader: &mut Reader, statement: &Statement) -> Result<Option<(IpAddr, u8, String)>, MissingWord> {
    let word = statement.text(0)?.into_owned();
    let (host, length) = match word.split_once('/') {
        Some((host, length)) => (host, Some(length)),
        None => (&*word, None),
    };
    let family = if word.contains(':') { Family::V6 } else { Family::V4 };
    let whole = family.host_prefix();
    let mut prefix_len = whole;
    if let Some(length) = length {
        match value::unsigned(length, 0, u64::from(whole)) {
            Ok(read) => prefix_len = read as u8,
            Err(fault) => {
                let text = format!("Invalid address prefix len {length} for address {word} - using {whole}");
                reader.complain(
                    Diagnostic::error(Code::Address, text)
                        .title(format!("prefix length: {}", fault.0))
                        .at(statement.place(0))
                        .effect(format!("the address is used with /{whole}"))
                        .help("write the number of leading bits, for instance /24"),
                );
            }
        }
    }
    let Some(ip) = value::address(host) else {
        let text = format!("VRRP parsed invalid IP {word}. skipping IP...");
        reader.complain(
            Diagnostic::error(Code::Address, text)
                .title(format!("`{host}` is not an IP address"))
                .at(statement.place(0))
                .effect("the address is not used"),
        );
        return Ok(None);
    };
    Ok(Some((ip, prefix_len, word)))
}

/// A line that is being read.
struct Line<'a, 'b, 'c> {
    reader: &'a mut Reader<'b>,
    statement: &'c Statement,
    address: RawAddress,
    broadcast: Option<Broadcast>,
    preferred: Option<Lifetime>,
    is_static: bool,
}

impl Line<'_, '_, '_> {
    fn complain(&mut self, index: usize, code: Code, text: String) {
        let diagnostic = Diagnostic::error(code, text).at(self.statement.place(index));
        self.reader.complain(diagnostic.effect("this word is ignored"));
    }

    /// Complains, and drops the whole line.
    fn drop_line(&mut self, index: usize, code: Code, text: String) -> bool {
        let diagnostic = Diagnostic::error(code, text).at(self.statement.place(index));
        self.reader.complain(diagnostic.effect("the address is not used"));
        false
    }

    fn ipv6(&self) -> bool {
        self.address.ip.is_ipv6()
    }

    /// Reads the options. Whether the address stays.
    fn options(&mut self) -> bool {
        let mut index = 1;
        while let Some(option) = self.statement.get(index).map(|word| word.into_owned()) {
            let needs_value = match &*option {
                "dev" | "scope" | "broadcast" | "brd" | "label" | "peer" | "preferred_lft" => true,
                "track_group" => self.is_static,
                _ => false,
            };
            if !needs_value {
                self.flag(&option, index);
                index += 1;
                continue;
            }
            let Some(value) = self.statement.get(index + 1).map(|word| word.into_owned()) else {
                let shown = self.address.shown.clone();
                let text = format!("No {option} parameter specified for {shown}");
                return self.drop_line(index, Code::MissingWord, text);
            };
            if option == "track_group" && self.address.track_group.is_some() {
                // As keepalived: the rest of the line is not read.
                self.complain(index + 1, Code::Repeated, format!("track_group {value} is a duplicate"));
                return true;
            }
            let stays = match &*option {
                "dev" => self.device(&value, index + 1),
                "broadcast" | "brd" => self.read_broadcast(&option, &value, index + 1),
                "label" => self.label(value, index + 1),
                "scope" => self.scope(&value, index + 1),
                "peer" => self.peer(&value, index + 1),
                "preferred_lft" => self.lifetime(&value, index + 1),
                _ => self.track_group(&value, index + 1),
            };
            if !stays {
                return false;
            }
            index += 2;
        }
        true
    }

    fn flag(&mut self, word: &str, index: usize) {
        let flags = &mut self.address.flags;
        match word {
            "home" => flags.home = true,
            "-nodad" => flags.nodad = false,
            "mngtmpaddr" => flags.mngtmpaddr = true,
            "noprefixroute" => flags.noprefixroute = true,
            "autojoin" => flags.autojoin = true,
            "no_track" => self.address.tracked = false,
            "use_vmac" if !self.is_static => self.address.use_vmac = true,
            _ => {
                let text = format!("Unknown configuration entry '{word}' for ip address - ignoring");
                self.complain(index, Code::UnknownOption, text);
            }
        }
    }

    fn device(&mut self, name: &str, index: usize) -> bool {
        let shown = self.address.shown.clone();
        if self.address.interface.is_some() {
            let text = format!("Cannot specify ipaddress device more than once for {shown}");
            return self.drop_line(index, Code::Repeated, text);
        }
        let Some((found, _)) = self.reader.interface(name) else {
            let text = format!("WARNING - interface {name} for ip address {shown} doesn't exist");
            self.reader.missing_interface(self.statement, index, text);
            return false;
        };
        self.address.interface = Some(found);
        true
    }

    fn read_broadcast(&mut self, option: &str, word: &str, index: usize) -> bool {
        if self.ipv6() {
            let text = format!(
                "VRRP is trying to assign a broadcast {option} to the IPv6 address {} !!?? WTF... skipping VIP...",
                self.address.shown
            );
            return self.drop_line(index, Code::Conflict, text);
        }
        self.broadcast = Some(match (word, value::address(word)) {
            ("+", _) => Broadcast::Ones,
            ("-", _) => Broadcast::Zeros,
            (_, Some(IpAddr::V4(ip))) => Broadcast::This(ip),
            _ => {
                let text = format!("VRRP is trying to assign invalid broadcast {word}. skipping VIP...");
                return self.drop_line(index, Code::Address, text);
            }
        });
        true
    }

    fn label(&mut self, word: String, index: usize) -> bool {
        if word.len() > IfName::MAX_LEN {
            let text =
                format!("Address label {word} is longer than maximum length {} - removing address", IfName::MAX_LEN);
            return self.drop_line(index, Code::Name, text);
        }
        self.address.label = Some(word);
        true
    }

    fn scope(&mut self, word: &str, index: usize) -> bool {
        match self.reader.named_id(NameTable::Scopes, word) {
            Some(scope) => self.address.scope = scope as u8,
            None => {
                let shown = &self.address.shown;
                let text = format!("Invalid scope '{word}' specified for {shown} - ignoring");
                self.complain(index, Code::Choice, text);
            }
        }
        true
    }

    fn peer(&mut self, word: &str, index: usize) -> bool {
        let whole = self.address_family().host_prefix();
        match value::address(word) {
            _ if self.address.peer.is_some() => {
                let text = format!("Peer {word} - another peer has already been specified");
                self.complain(index, Code::Repeated, text);
            }
            None => self.complain(index, Code::Address, format!("Invalid peer address {word}")),
            Some(ip) if Family::of(&ip) != self.address_family() => {
                let text = format!("Peer address {word} does not match address family");
                self.complain(index, Code::Conflict, text);
            }
            Some(ip) => {
                if self.address.prefix_len != whole {
                    let text = "Cannot specify address prefix when specifying peer address - ignoring";
                    self.complain(0, Code::Conflict, text.into());
                }
                self.address.prefix_len = whole;
                self.address.peer = Some(ip);
            }
        }
        true
    }

    fn address_family(&self) -> Family {
        Family::of(&self.address.ip)
    }

    fn lifetime(&mut self, word: &str, index: usize) -> bool {
        match (word, value::unsigned(word, 0, u64::from(u32::MAX))) {
            ("forever", _) => self.preferred = Some(Lifetime::Forever),
            (_, Ok(seconds)) => self.preferred = Some(Lifetime::Seconds(seconds as u32)),
            (_, Err(_)) => self.complain(index, Code::Number, format!("preferred_lft {word} is invalid")),
        }
        true
    }

    fn track_group(&mut self, word: &str, index: usize) -> bool {
        let name = word.to_string();
        if self.reader.raw.names.contains(&("track_group", name.clone())) {
            self.address.track_group = Some(name);
        } else {
            self.complain(index, Code::Reference, format!("track_group {word} not found"));
        }
        true
    }

    /// Works out what depends on several words, in keepalived's order.
    fn complete(&mut self) -> bool {
        let shown = self.address.shown.clone();
        if self.broadcast.is_some() && self.address.peer.is_some() {
            let text = "Cannot specify broadcast and peer addresses - ignoring broadcast address";
            self.complain(0, Code::Conflict, text.into());
        } else if let (Some(wanted), IpAddr::V4(ip)) = (self.broadcast.take(), self.address.ip) {
            let length = self.address.prefix_len;
            self.address.broadcast = match wanted {
                Broadcast::This(ip) => Some(ip),
                Broadcast::Ones => broadcast_of(ip, length, true),
                Broadcast::Zeros => broadcast_of(ip, length, false),
            };
            if self.address.broadcast.is_none() {
                let text = format!("Address prefix length {length} too long for broadcast");
                self.complain(0, Code::Conflict, text);
            }
        }
        if self.is_static && self.address.interface.is_none() && !self.default_device() {
            let text = format!("Static address {shown} requires either an interface or default interface must exist");
            let diagnostic = Diagnostic::error(Code::Interface, text)
                .at(self.statement.place(0))
                .effect("the address is not used")
                .weighing(Weight::Fatal);
            self.reader.complain(diagnostic);
            return false;
        }
        if self.ipv6() {
            if self.address.scope != 0 {
                let text = format!("Cannot specify scope for IPv6 addresses ({shown}) - ignoring scope");
                self.complain(0, Code::Conflict, text);
                self.address.scope = 0;
            }
            if self.address.label.take().is_some() {
                let text = format!("Cannot specify label for IPv6 addresses ({shown}) - ignoring label");
                self.complain(0, Code::Conflict, text);
            }
        }
        let host = self.ipv6() && self.address.prefix_len == 128;
        let usual = if host { Lifetime::Seconds(0) } else { Lifetime::Forever };
        self.address.preferred = self.preferred.unwrap_or(usual);
        true
    }

    /// Gives a static address the default interface. Whether there is one.
    fn default_device(&mut self) -> bool {
        let wanted = self.reader.raw.global.default_interface.clone();
        let wanted = wanted.or_else(|| IfName::new(DEFAULT_INTERFACE));
        let namespace = self.reader.raw.global.net_namespace.as_deref();
        let env = self.reader.env;
        self.address.interface = wanted.filter(|name| env.interface(namespace, name.as_str()).is_some());
        self.address.interface.is_some()
    }
}

/// Reads an address line; `None` if the address is not to be used.
fn read(reader: &mut Reader, statement: &Statement, is_static: bool) -> Result<Option<RawAddress>, MissingWord> {
    let Some((ip, prefix_len, shown)) = head(reader, statement)? else {
        return Ok(None);
    };
    let address = RawAddress {
        ip,
        shown,
        prefix_len,
        interface: None,
        scope: 0,
        broadcast: None,
        label: None,
        peer: None,
        flags: AddressFlags { nodad: ip.is_ipv6(), ..AddressFlags::default() },
        preferred: Lifetime::Forever,
        tracked: true,
        use_vmac: false,
        track_group: None,
        place: statement.place(0),
    };
    let mut line = Line { reader, statement, address, broadcast: None, preferred: None, is_static };
    let stays = line.options() && line.complete();
    Ok(stays.then_some(line.address))
}

fn refuse(reader: &mut Reader, statement: &Statement, code: Code, text: String) {
    let diagnostic = Diagnostic::error(code, text).at(statement.place(0));
    reader.complain(diagnostic.effect("the address is not used"));
}

/// A line of `virtual_ipaddress`.
pub fn virtual_ipaddress(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(address) = read(reader, statement, false)? else {
        return Ok(());
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let name = instance.name.clone();
    if !instance.settle_family(&address.ip) {
        let text = format!("({name}): address family must match VRRP instance [{}] - ignoring", address.shown);
        refuse(reader, statement, Code::Conflict, text);
        return Ok(());
    }
    let given = &mut reader.raw.given;
    let with_link = (address.ip, address.interface.clone());
    let text = if given.vips.contains_key(&address.ip) {
        Some(format!("({name}): VIP duplicates a VIP {} - ignoring", address.shown))
    } else if given.excluded.contains(&with_link) {
        Some(format!("({name}): VIP duplicates an excluded VIP {} - ignoring", address.shown))
    } else {
        None
    };
    match text {
        Some(text) => refuse(reader, statement, Code::DuplicateAddress, text),
        None => {
            given.vips.insert(with_link.0, with_link.1);
            super::checker::first_alone(&mut instance.vips);
            instance.vips.push(address);
        }
    }
    Ok(())
}

/// A line of `virtual_ipaddress_excluded`.
pub fn virtual_ipaddress_excluded(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(address) = read(reader, statement, false)? else {
        return Ok(());
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let name = instance.name.clone();
    let given = &mut reader.raw.given;
    let text = if given.vips.get(&address.ip) == Some(&address.interface) {
        Some(format!("({name}): Excluded VIP duplicates a VIP {} - ignoring", address.shown))
    } else if !given.excluded.insert((address.ip, address.interface.clone())) {
        Some(format!("({name}): Excluded VIP duplicates an excluded VIP {} - ignoring", address.shown))
    } else {
        None
    };
    match text {
        Some(text) => refuse(reader, statement, Code::DuplicateAddress, text),
        None => instance.excluded.push(address),
    }
    Ok(())
}

/// A line of `static_ipaddress`.
pub fn static_ipaddress(reader: &mut Reader, statement: &Statement) -> Outcome {
    let address = read(reader, statement, true)?;
    reader.raw.static_addresses.extend(address);
    Ok(())
}
