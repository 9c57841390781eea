//! `lvs_method`: how packets reach a server, and through which tunnel.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::service::{Method, RawForwarding};
use crate::conf::reader::{MissingWord, Reader, Statement};
use crate::conf::value;
use crate::model::check::{Tunnel, TunnelChecksum, TunnelKind};

/// What is wrong with the options of a tunnel: the word and the message.
type BadOption = (usize, String);

/// Reads `NAT|DR|TUN [type ipip|gue|gre] [port PORT] [nocsum|csum|remcsum]`. With a fault in the options the method counts
/// and the tunnel stays as it was. `of` is the kind of server.
pub(super) fn read(
    reader: &mut Reader,
    statement: &Statement,
    before: RawForwarding,
    of: &str,
) -> Result<RawForwarding, MissingWord> {
    let word = statement.text(1)?;
    let method = match &*word {
        "NAT" => Method::Nat,
        "DR" => Method::Dr,
        "TUN" => Method::Tun,
        _ => {
            reader.complain(
                Diagnostic::error(Code::Choice, format!("PARSER : unknown [{word}] routing method for {of} server."))
                    .title(format!("unknown forwarding method `{word}`"))
                    .at(statement.place(1))
                    .expected("NAT, DR or TUN, in upper case")
                    .effect("the line is ignored"),
            );
            return Ok(before);
        }
    };
    let tunnel = options(statement, of).unwrap_or_else(|(index, text)| {
        let diagnostic = Diagnostic::error(Code::UnknownOption, text).at(statement.place(index));
        reader.complain(diagnostic.effect(format!("{word} is used, its options are ignored")));
        before.tunnel
    });
    Ok(RawForwarding { method: Some(method), tunnel })
}

fn options(statement: &Statement, of: &str) -> Result<Tunnel, BadOption> {
    let mut tunnel = Tunnel::default();
    let mut index = 2;
    while let Some(option) = statement.get(index) {
        let value = statement.get(index + 1);
        match &*option {
            "type" => {
                let value = value.ok_or_else(|| (index, format!("Missing tunnel type for {of} server.")))?;
                tunnel.kind = match &*value {
                    "ipip" => TunnelKind::IpIp,
                    "gue" => TunnelKind::Gue,
                    "gre" => TunnelKind::Gre,
                    _ => return Err((index + 1, format!("Unknown tunnel type {value} for {of} server."))),
                };
                index += 1;
            }
            "port" => {
                let value = value.ok_or_else(|| (index, format!("Missing port for {of} server gue tunnel.")))?;
                tunnel.port = value::unsigned(&value, 1, 65535)
                    .map_err(|_| (index + 1, format!("Invalid gue tunnel port {value} for {of} server.")))?
                    as u16;
                index += 1;
            }
            "nocsum" => tunnel.checksum = TunnelChecksum::None,
            "csum" => tunnel.checksum = TunnelChecksum::Full,
            "remcsum" => tunnel.checksum = TunnelChecksum::Remote,
            _ => return Err((index, format!("Invalid tunnel option {option} for {of} server."))),
        }
        index += 1;
    }
    let refused = match (tunnel.kind, tunnel.checksum) {
        (kind, _) if (kind == TunnelKind::Gue) != (tunnel.port != 0) => {
            "gue tunnels require port, otherwise cannot have port."
        }
        (TunnelKind::IpIp, TunnelChecksum::Full | TunnelChecksum::Remote) => {
            "ipip tunnels do not support checksum option."
        }
        (TunnelKind::Gre, TunnelChecksum::Remote) => "gre tunnels do not support remote checksum option.",
        _ => return Ok(tunnel),
    };
    Err((1, refused.into()))
}
