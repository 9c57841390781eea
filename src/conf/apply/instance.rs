//! `vrrp_instance`.

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::Interface;
use crate::conf::place::Place;
use crate::conf::raw::{Given, RawInstance};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value::{self, Decimal};
use crate::model::{Family, IfName, Micros, Peer, Priority, Version, Vrid};

use super::own_link;

impl Reader<'_> {
    /// Changes the instance whose block is open.
    pub(super) fn with_instance(&mut self, change: impl FnOnce(&mut RawInstance)) -> Outcome {
        if let Some(instance) = self.raw.instances.last_mut() {
            change(instance);
        }
        Ok(())
    }

    pub(super) fn instance_name(&self) -> String {
        let last = self.raw.instances.last();
        last.map(|instance| instance.name.clone()).unwrap_or_default()
    }
}

/// A new instance. Without a name, or with one that is taken, the block is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.get(1).unwrap_or_default().into_owned();
    if statement.len() != 2 {
        let diagnostic = Diagnostic::error(Code::BlockName, "vrrp_instance must have a name");
        reader.complain(diagnostic.at(statement.whole()).effect("the block is skipped"));
        reader.skip_block();
        return Ok(());
    }
    if !reader.raw.names.insert(("vrrp_instance", name.clone())) {
        reader.complain(
            Diagnostic::error(Code::BlockName, format!("vrrp instance {name} already defined"))
                .at(statement.place(1))
                .effect("the block is skipped; the first one counts"),
        );
        reader.skip_block();
        return Ok(());
    }
    let instance = RawInstance::new(name, statement.place(1));
    reader.raw.instances.push(instance);
    reader.raw.given = Given::default();
    Ok(())
}

/// The end of an instance.
pub fn close(reader: &mut Reader, place: Place) {
    own_link::check(reader, place);
    let Some(instance) = reader.raw.instances.last_mut() else {
        return;
    };
    instance.extras.linkbeat_use_polling &= instance.interface.is_some();
    if instance.ttl.is_some() && instance.peers.is_empty() {
        instance.ttl = None;
        let text = format!("({}): Cannot use unicast_ttl without unicast peers - resetting", instance.name);
        reader.complain(Diagnostic::error(Code::Conflict, text).at(place));
    }
}

/// `state`
pub fn state(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let place = statement.place(1);
    let was_master =
        reader.raw.instances.last().is_some_and(|instance| instance.master.is_some_and(|(master, _)| master));
    let name = reader.instance_name();
    let master = match &*word {
        "MASTER" => true,
        "BACKUP" if was_master => {
            let text = format!("({name}) state previously set as MASTER - ignoring BACKUP");
            reader.complain(Diagnostic::error(Code::Repeated, text).at(place));
            return Ok(());
        }
        "BACKUP" => false,
        _ => {
            let text = format!("({name}) unknown state '{word}', defaulting to BACKUP");
            reader.complain(
                Diagnostic::error(Code::Choice, text)
                    .at(place)
                    .expected("MASTER or BACKUP")
                    .effect(format!("{name} starts as BACKUP")),
            );
            false
        }
    };
    reader.with_instance(|it| it.master = Some((master, place)))
}

/// `interface`
pub fn interface(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    if word.len() > IfName::MAX_LEN {
        let text = format!("Interface name '{word}' too long - ignoring");
        reader.refuse(statement, 1, Code::Name, text);
        return Ok(());
    }
    let name = reader.instance_name();
    let found = match reader.interface(&word) {
        None => {
            let text = format!("WARNING - interface {word} for vrrp_instance {name} doesn't exist");
            reader.missing_interface(statement, 1, text);
            None
        }
        Some((_, Some(Interface { loopback: true, .. }))) => {
            let text = format!("({name}) cannot use a loopback interface ({word}) for vrrp - ignoring");
            reader.refuse(statement, 1, Code::Interface, text);
            None
        }
        Some((found, _)) => Some((found, statement.place(1))),
    };
    reader.with_instance(|it| it.interface = found)
}

/// `virtual_router_id`
pub fn virtual_router_id(reader: &mut Reader, statement: &Statement) -> Outcome {
    let effect = "it is ignored: the daemon does not start with this configuration";
    let read = reader.number_or(statement, 1, 1, 255, effect)?;
    let place = statement.place(1);
    if let Some(vrid) = read.and_then(|number| Vrid::new(number as u8)) {
        reader.with_instance(|it| it.vrid = Some((vrid, place)))?;
    }
    Ok(())
}

/// `priority`; what cannot be read is the default.
pub fn priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let effect = format!("{} runs with priority 100", reader.instance_name());
    let read = reader.number_or(statement, 1, 1, 255, &effect)?;
    let priority = read.and_then(|number| Priority::new(number as u8));
    let place = statement.place(1);
    reader.with_instance(|it| it.priority = Some((priority.unwrap_or(Priority::DEFAULT), place)))
}

/// `advert_int`
pub fn advert_int(reader: &mut Reader, statement: &Statement) -> Outcome {
    let range = Decimal::seconds(10_000, 255_000_000);
    let place = statement.place(1);
    if let Some(interval) = reader.time(statement, 1, range)? {
        reader.with_instance(|it| it.advert_interval = Some((Micros(interval), place)))?;
    }
    Ok(())
}

/// `version`
pub fn version(reader: &mut Reader, statement: &Statement) -> Outcome {
    let wanted = match reader.signed(statement, 1, 2, 3)? {
        Some(2) => Version::V2,
        Some(_) => Version::V3,
        None => return Ok(()),
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let other = instance.version.is_some_and(|version| version != wanted);
    if other || (wanted == Version::V2 && instance.family == Some(Family::V6)) {
        let text = format!(
            "({}) vrrp_version {} conflicts with configured or deduced version {}; ignoring.",
            instance.name,
            wanted.number(),
            instance.version.map_or(0, Version::number)
        );
        reader.refuse(statement, 1, Code::Conflict, text);
        return Ok(());
    }
    instance.version = Some(wanted);
    Ok(())
}

/// `native_ipv6`
pub fn native_ipv6(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.instance_name();
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    if instance.family == Some(Family::V4) {
        let text = format!("({name}) Cannot specify native_ipv6 with IPv4 addresses");
        reader.refuse(statement, 0, Code::Conflict, text);
        return Ok(());
    }
    instance.family = Some(Family::V6);
    instance.version = Some(Version::V3);
    Ok(())
}

/// `mcast_src_ip`
pub fn mcast_src_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let name = reader.instance_name();
    let Some(ip) = value::plain_address(&word) else {
        let text = format!("Configuration error: VRRP instance[{name}] malformed src address[{word}]. Skipping...");
        reader.refuse(statement, 1, Code::Address, text);
        return Ok(());
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    if instance.settle_family(&ip) {
        instance.source = Some(ip);
        return Ok(());
    }
    instance.source = None;
    let text = format!(
        "Configuration error: VRRP instance[{name}] and src address[{word}] MUST be of the same family !!! Skipping..."
    );
    reader.refuse(statement, 1, Code::Conflict, text);
    Ok(())
}

/// `unicast_src_ip`
pub fn unicast_src_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    mark_unicast(reader, statement)?;
    mcast_src_ip(reader, statement)
}

/// A keyword that asks for unicast: without peers it is in vain, and said so.
pub fn mark_unicast(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| {
        it.unicast.get_or_insert(place);
    })
}

/// `mcast_dst_ip`
pub fn mcast_dst_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let name = reader.instance_name();
    let Some(ip) = value::plain_address(&word) else {
        let text = format!("({name}) malformed mcast dest address {word}. Skipping...");
        reader.refuse(statement, 1, Code::Address, text);
        return Ok(());
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let fits = instance.settle_family(&ip);
    instance.group = None;
    let (multicast, kind) = match ip {
        IpAddr::V4(ip) => (ip.is_multicast(), ""),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xff0f == 0xff02, " link-local"),
    };
    if fits && multicast {
        instance.group = Some((ip, statement.place(1)));
        return Ok(());
    }
    let text = match fits {
        true => format!("({name}) mcast_dst_ip {word} not{kind} multicast. Skipping..."),
        false => format!("({name}) mcast dest address {word} MUST match VRRP instance family. Skipping..."),
    };
    reader.refuse(statement, 1, Code::Address, text);
    Ok(())
}

/// A line of `unicast_peer`.
pub fn unicast_peer(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(0)?.into_owned();
    let name = reader.instance_name();
    let refuse = |reader: &mut Reader, code: Code, text: String| {
        reader.refuse(statement, 0, code, text);
        Ok(())
    };
    let Some(ip) = value::plain_address(&word) else {
        let text =
            format!("Configuration error: VRRP instance[{name}] malformed unicast peer address[{word}]. Skipping...");
        return refuse(reader, Code::Address, text);
    };
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    if !instance.settle_family(&ip) {
        let text = format!(
            "Configuration error: VRRP instance[{name}] and unicast peer address[{word}] MUST be of the same family \
             !!! Skipping..."
        );
        return refuse(reader, Code::Conflict, text);
    }
    let mut peer = Peer { ip, min_ttl: 0, max_ttl: 255 };
    let mut index = 1;
    while let Some(option) = statement.get(index) {
        if statement.get(index + 1).is_none() {
            let text = format!("({name}) {word} - {option} is missing a value");
            reader.refuse(statement, index, Code::MissingWord, text);
            break;
        }
        if let Some(ttl) = reader.number(statement, index + 1, 0, 255)? {
            match &*option {
                "min_ttl" => peer.min_ttl = ttl as u8,
                "max_ttl" => peer.max_ttl = ttl as u8,
                _ => {
                    let text = format!("({name}) {word} - unknown unicast_peer option {option}");
                    reader.refuse(statement, index, Code::UnknownOption, text);
                    break;
                }
            }
            reader.with_instance(|it| it.check_unicast_src = true)?;
        }
        index += 2;
    }
    if reader.raw.given.peers.contains(&ip) {
        let text = format!("({name}) {word} - duplicate unicast_peer");
        return refuse(reader, Code::DuplicateAddress, text);
    }
    if peer.min_ttl > peer.max_ttl {
        let text = format!(
            "({name}) {word} - min_ttl {} > max_ttl {} - all packets will be discarded",
            peer.min_ttl, peer.max_ttl
        );
        reader.complain(Diagnostic::warning(Code::Conflict, text).at(statement.whole()));
    }
    reader.raw.given.peers.insert(ip);
    reader.with_instance(|it| it.peers.push(peer))
}

/// `unicast_fault_no_peer`
pub fn unicast_fault_no_peer(reader: &mut Reader, statement: &Statement) -> Outcome {
    mark_unicast(reader, statement)?;
    reader.with_instance(|it| it.unicast_fault_no_peer = true)
}

/// `check_unicast_src`
pub fn check_unicast_src(reader: &mut Reader, statement: &Statement) -> Outcome {
    mark_unicast(reader, statement)?;
    reader.with_instance(|it| it.check_unicast_src = true)
}

/// `unicast_ttl`
pub fn unicast_ttl(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    if let Some(ttl) = reader.number(statement, 1, 0, 255)? {
        reader.with_instance(|it| it.ttl = Some((ttl as u8, place)))?;
    }
    Ok(())
}

/// `dont_track_primary`
pub fn dont_track_primary(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.with_instance(|it| it.dont_track_primary = true)
}

/// `no_virtual_ipaddress`
pub fn no_virtual_ipaddress(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| it.no_vip_wanted = Some(place))
}

/// `nopreempt`
pub fn nopreempt(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    reader.with_instance(|it| it.nopreempt = Some(place))
}

/// `preempt`
pub fn preempt(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.with_instance(|it| it.nopreempt = None)
}

/// `preempt_delay`
pub fn preempt_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, Decimal::seconds(0, 1_000_000_000))?;
    let place = statement.place(0);
    reader.with_instance(|it| it.preempt_delay = read.map(|delay| (Micros(delay), place)))
}

/// `down_timer_adverts`
pub fn down_timer_adverts(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    if let Some(count) = reader.number(statement, 1, 1, 100)? {
        reader.with_instance(|it| it.down_timer_adverts = Some((count as u8, place)))?;
    }
    Ok(())
}

/// A yes or no with the words that most of them have in an instance.
fn yes_or_no(reader: &mut Reader, statement: &Statement) -> Option<bool> {
    let (name, keyword) = (reader.instance_name(), statement.keyword().into_owned());
    reader.truth(statement, |word| format!("({name}) invalid {keyword} {word} specified"))
}

/// `lower_prio_no_advert`
pub fn lower_prio_no_advert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement).map(|value| (value, statement.place(0)));
    reader.with_instance(|it| it.lower_prio_no_advert = read.or(it.lower_prio_no_advert))
}

/// `higher_prio_send_advert`
pub fn higher_prio_send_advert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement).map(|value| (value, statement.place(0)));
    reader.with_instance(|it| it.higher_prio_send_advert = read.or(it.higher_prio_send_advert))
}

/// `owner_ignore_adverts`
pub fn owner_ignore_adverts(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement).map(|value| (value, statement.place(0)));
    reader.with_instance(|it| it.owner_ignore_adverts = read.or(it.owner_ignore_adverts))
}

/// `v3_checksum_as_v2`
pub fn v3_checksum_as_v2(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement);
    reader.with_instance(|it| it.v3_checksum_as_v2 = read.or(it.v3_checksum_as_v2))
}

/// `skip_check_adv_addr`
pub fn skip_check_adv_addr(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement);
    reader.with_instance(|it| it.skip_check_adv_addr = read.or(it.skip_check_adv_addr))
}

/// `strict_mode`
pub fn strict_mode(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = yes_or_no(reader, statement);
    reader.with_instance(|it| it.strict = read.or(it.strict))
}
