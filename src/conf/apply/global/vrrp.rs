//! What the `vrrp` process goes by: receive buffers, names of VMACs, periodic gratuitous ARP.

use super::yes_no;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Micros;
use crate::model::settings::{GarpExtra, NetlinkBuffer, RxBuffers};

/// Where the kernel is told whether to report memberships of link-local groups.
const LOCAL_IGMP: &str = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports";

words_of! { yes_no vrrp_notify_priority_changes => vrrp.notify_priority_changes; }
words_of! { switch linkbeat_use_polling => vrrp.linkbeat_use_polling; }

/// `disable_local_igmp`
pub fn disable_local_igmp(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.env.has_local_igmp() {
        reader.raw.settings.vrrp.disable_local_igmp = true;
    } else {
        reader.refuse(statement, 0, Code::Conflict, format!("kernel does not support {LOCAL_IGMP}"));
    }
    Ok(())
}

/// `vrrp_garp_extra_if`, with its old spelling: `[all] INT`.
pub fn garp_extra_if(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword().into_owned();
    if keyword == "vrrp_vmac_garp_intvl" {
        let text = "Keyword \"vrrp_vmac_garp_intvl\" is deprecated - please use \"vrrp_garp_extra_if\"";
        reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    }
    let mut period = None;
    for index in 1..statement.len() {
        if statement.get(index).as_deref() == Some("all") {
            reader.raw.settings.vrrp.garp_extra_all = true;
            continue;
        }
        period = reader.number(statement, index, 1, 86400)?;
        if period.is_none() {
            return Ok(());
        }
    }
    match period {
        Some(seconds) => {
            let vrrp = &mut reader.raw.settings.vrrp;
            vrrp.garp_extra = Some(GarpExtra { all: false, period: Micros::from_secs(seconds) });
        }
        None => reader.refuse(statement, 0, Code::MissingWord, format!("{keyword} specified without time - ignoring")),
    }
    Ok(())
}

/// `vmac_prefix` and `vmac_addr_prefix`; the first one stays.
pub fn vmac_prefix(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let vrrp = &mut reader.raw.settings.vrrp;
    let (slot, shown) = match &*statement.keyword() {
        "vmac_prefix" => (&mut vrrp.vmac_prefix, "vmac"),
        _ => (&mut vrrp.vmac_addr_prefix, "vmac_addr"),
    };
    if slot.is_some() {
        let text = format!("{shown} prefix has already been specified - ignoring {word}");
        reader.refuse(statement, 1, Code::Repeated, text);
    } else {
        *slot = Some(word);
    }
    Ok(())
}

/// `vrrp_rx_bufs_policy`. Several lines add up.
pub fn rx_bufs_policy(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.word_said(statement, "vrrp_rx_bufs_policy missing").is_none() {
        return Ok(());
    }
    let known = reader.raw.settings.vrrp.rx_bufs;
    let (mut mtu, mut advert) = (known == RxBuffers::Mtu, known == RxBuffers::Advert);
    let mut size = match known {
        RxBuffers::Size(size) => Some(size),
        _ => None,
    };
    for index in 1..statement.len() {
        let word = statement.get(index).unwrap_or_default().into_owned();
        // As keepalived: a size only counts as the first word.
        let first = statement.get(1).unwrap_or_default();
        match (word.to_ascii_lowercase().as_str(), value::unsigned(&first, 0, u64::from(u32::MAX))) {
            ("mtu", _) => mtu = true,
            ("advert", _) => advert = true,
            (_, Ok(read)) => size = Some(read as u32),
            (_, Err(_)) => {
                reader.refuse(statement, index, Code::Choice, format!("Invalid vrrp_rx_bufs_policy {word}"));
            }
        }
    }
    let text = match size {
        Some(_) if mtu || advert => "Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy",
        None if mtu && advert => "Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT",
        _ => "",
    };
    if !text.is_empty() {
        let diagnostic = Diagnostic::warning(Code::Conflict, text).at(statement.place(1));
        reader.complain(diagnostic.effect(if size.is_some() { "the size is used" } else { "MTU is used" }));
    }
    reader.raw.settings.vrrp.rx_bufs = match size {
        Some(size) => RxBuffers::Size(size),
        None if mtu => RxBuffers::Mtu,
        None if advert => RxBuffers::Advert,
        None => RxBuffers::System,
    };
    Ok(())
}

/// `vrrp_rx_bufs_multiplier`
pub fn rx_bufs_multiplier(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.len() != 2 {
        reader.refuse(statement, 0, Code::MissingWord, "Invalid vrrp_rx_bufs_multiplier");
        return Ok(());
    }
    let read = reader.number(statement, 1, 1, u64::from(u32::MAX))?.map(|times| times as u32);
    let vrrp = &mut reader.raw.settings.vrrp;
    vrrp.rx_bufs_multiplier = read.or(vrrp.rx_bufs_multiplier);
    Ok(())
}

/// The buffer that a keyword is about.
fn buffer<'a>(reader: &'a mut Reader, keyword: &str) -> &'a mut NetlinkBuffer {
    let netlink = &mut reader.raw.settings.netlink;
    match () {
        () if keyword.starts_with("vrrp_netlink_cmd") => &mut netlink.vrrp_command,
        () if keyword.starts_with("vrrp_netlink_monitor") => &mut netlink.vrrp_monitor,
        () if keyword.starts_with("lvs_netlink_cmd") => &mut netlink.lvs_command,
        () if keyword.starts_with("lvs_netlink_monitor") => &mut netlink.lvs_monitor,
        () => &mut netlink.process_monitor,
    }
}

/// `vrrp_netlink_cmd_rcv_bufs` and its relatives; 0 changes nothing.
pub fn netlink_buffer(reader: &mut Reader, statement: &Statement) -> Outcome {
    let keyword = statement.keyword();
    if reader.word_said(statement, &format!("{keyword} size missing")).is_none() {
        return Ok(());
    }
    let read = reader.number(statement, 1, 0, u64::from(u32::MAX))?;
    if let Some(size) = read.filter(|size| *size > 0) {
        buffer(reader, &keyword).size = size as u32;
    }
    Ok(())
}

/// `vrrp_netlink_cmd_rcv_bufs_force` and its relatives.
pub fn netlink_buffer_force(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(force) = yes_no(reader, statement) {
        buffer(reader, &statement.keyword()).force = force;
    }
    Ok(())
}
