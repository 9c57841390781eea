//! The configurations that are measured: written line by line, nothing of them stays in memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What a file consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Virtual servers, each with two real servers and their checks
    Servers,
    /// VRRP instances, each a virtual router of its own
    Instances,
    /// Both in turn, with groups and `global_defs`
    Mixed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Servers, Kind::Instances, Kind::Mixed];

    /// As the table names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Servers => "virtual servers",
            Kind::Instances => "VRRP instances",
            Kind::Mixed => "mixed",
        }
    }
}

/// Counts the lines that go into a file.
struct Counted {
    to: BufWriter<File>,
    lines: usize,
}

impl Counted {
    fn put(&mut self, text: &str) -> io::Result<()> {
        self.lines += text.bytes().filter(|byte| *byte == b'\n').count();
        self.to.write_all(text.as_bytes())
    }
}

/// Writes a file of at least `lines` lines. `interfaces`: how many links `eth0`, `eth1` ... there are.
pub fn write(path: &Path, kind: Kind, lines: usize, interfaces: usize) -> io::Result<()> {
    let mut out = Counted { to: BufWriter::new(File::create(path)?), lines: 0 };
    out.put("# Made for a measurement\nglobal_defs {\n    router_id measured\n}\n\n")?;
    let mut number = 0;
    while out.lines < lines {
        if kind != Kind::Instances {
            out.put(&server(number))?;
        }
        if kind != Kind::Servers {
            out.put(&instance(number, interfaces))?;
        }
        if kind == Kind::Mixed {
            out.put(&group(number))?;
        }
        number += 1;
    }
    out.to.flush()
}

fn server(number: usize) -> String {
    let (high, low) = (number / 250 % 250, number % 250 + 1);
    let port = 80 + number / 62_500;
    format!(
        "virtual_server 10.8.{high}.{low} {port} {{
    delay_loop 6
    lvs_sched wrr
    lvs_method NAT
    persistence_timeout 50
    protocol TCP

    real_server 10.64.{high}.{low} 8080 {{
        weight 1
        TCP_CHECK {{
            connect_timeout 3
            retry 3
            delay_before_retry 2
        }}
    }}
    real_server 10.65.{high}.{low} 8080 {{
        weight 2 # the larger machine
        HTTP_GET {{
            url {{
                path /health
                status_code 200
            }}
            connect_timeout 3
            retry 3
            delay_before_retry 2
        }}
    }}
}}

"
    )
}

fn instance(number: usize, interfaces: usize) -> String {
    // As many virtual routers as there are on one link, then the next link.
    let (link, vrid) = (number / 255 % interfaces, number % 255 + 1);
    let (high, low) = (number / 250, number % 250 + 1);
    format!(
        "vrrp_instance VI_{number} {{
    state BACKUP
    interface eth{link}
    virtual_router_id {vrid}
    priority 100
    advert_int 1
    virtual_ipaddress {{
        10.9.{high}.{low}/16 dev eth{link}
    }}
}}

"
    )
}

fn group(number: usize) -> String {
    match number % 2 {
        0 => String::new(),
        _ => format!(
            "vrrp_sync_group VG_{number} {{
    group {{
        VI_{}
        VI_{number}
    }}
}}

",
            number - 1
        ),
    }
}
