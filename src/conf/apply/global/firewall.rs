//! Packet filter: nftables, and the keywords of builds with iptables.

use super::unknown_here;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};

/// Most bytes of a table's name (`NFT_TABLE_MAXNAMELEN` of linux/netfilter/nf_tables.h, less one and the NUL).
const NAME: usize = 254;
const TABLE: &str = "keepalived";
const IPVS_TABLE: &str = "keepalived_ipvs";

words_of! { switch nftables_ifindex => firewall.ifindex; nftables_counters => firewall.counters; }

/// The name of a table, or the usual one; `None` after a complaint. `chain` is keepalived's word for it.
fn table(reader: &mut Reader, statement: &Statement, chain: &str, usual: &str) -> Option<String> {
    let Some(name) = statement.get(1) else {
        return Some(usual.to_string());
    };
    let fault = match name.len() {
        0 => "empty",
        length if length > NAME => "too long",
        _ => return Some(name.into_owned()),
    };
    reader.refuse(statement, 1, Code::Name, format!("VRRP Error : nftables {chain} name {fault} - ignored"));
    None
}

/// `nftables`; the first one stays. The priority counts from here on.
pub fn nftables(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.raw.settings.firewall.table.is_some() {
        reader.refuse(statement, 0, Code::Repeated, "nftables already specified - ignoring");
    } else if let Some(name) = table(reader, statement, "chain", TABLE) {
        let firewall = &mut reader.raw.settings.firewall;
        (firewall.table, firewall.priority) = (Some(name), None);
    }
    Ok(())
}

/// `nftables_ipvs`; the first one stays. Priority and mark count from here on.
pub fn nftables_ipvs(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.raw.settings.firewall.ipvs_table.is_some() {
        reader.refuse(statement, 0, Code::Repeated, "ipvs nftables already specified - ignoring");
    } else if let Some(name) = table(reader, statement, "ipvs chain", IPVS_TABLE) {
        let firewall = &mut reader.raw.settings.firewall;
        (firewall.ipvs_table, firewall.ipvs_priority, firewall.ipvs_start_fwmark) = (Some(name), None, None);
    }
    Ok(())
}

fn priority_of_chain(reader: &mut Reader, statement: &Statement) -> Result<Option<i32>, MissingWord> {
    let read = reader.signed(statement, 1, i32::MIN as i64, i32::MAX as i64)?;
    Ok(read.map(|priority| priority as i32))
}

/// `nftables_priority`
pub fn nftables_priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = priority_of_chain(reader, statement)?;
    let firewall = &mut reader.raw.settings.firewall;
    firewall.priority = read.or(firewall.priority);
    Ok(())
}

/// `nftables_ipvs_priority`
pub fn nftables_ipvs_priority(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = priority_of_chain(reader, statement)?;
    let firewall = &mut reader.raw.settings.firewall;
    firewall.ipvs_priority = read.or(firewall.ipvs_priority);
    Ok(())
}

/// `nftables_ipvs_start_fwmark`
pub fn nftables_ipvs_start_fwmark(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 1, u64::from(u32::MAX))?.map(|mark| mark as u32);
    let firewall = &mut reader.raw.settings.firewall;
    firewall.ipvs_start_fwmark = read.or(firewall.ipvs_start_fwmark);
    Ok(())
}

/// `vrrp_iptables`: as keepalived does without iptables, nftables are used instead.
pub fn vrrp_iptables(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = "iptables not supported, using nftables instead. Please replace 'vrrp_iptables and 'vrrp_ipsets' with \
                'nftables' config option";
    let diagnostic = Diagnostic::warning(Code::Deprecated, text).at(statement.place(0));
    reader.complain(diagnostic.effect(format!("nftables are used, in table {TABLE}; the names of chains are ignored")));
    let word = |index| statement.get(index).map(|word| word.into_owned());
    let firewall = &mut reader.raw.settings.firewall;
    (firewall.table, firewall.priority) = (Some(TABLE.into()), None);
    firewall.iptables = Some((word(1), word(2)));
    Ok(())
}

/// `vrrp_ipsets`, which keepalived only knows with libipset.
pub fn vrrp_ipsets(reader: &mut Reader, statement: &Statement) -> Outcome {
    let title = "`vrrp_ipsets` is for keepalived with iptables and ipsets; nftables have sets of their own";
    unknown_here(reader, statement, title, "remove it, and use `nftables` instead of `vrrp_iptables`");
    Ok(())
}
