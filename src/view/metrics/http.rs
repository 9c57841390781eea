//! As much of HTTP/1.1 as a scraper needs (RFC 9110, RFC 9112): the head of a request, and the head of an answer. Never
//! reads a body: a request that has one is refused.

use super::page::Format;

/// A head may be so long.
pub(super) const MAX_HEAD: usize = 8 << 10;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `/metrics`
    Metrics(Format),
    /// `/`
    Hint,
    /// Something else
    Unknown,
}

/// A request that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub wanted: Wanted,
    /// HEAD: the answer has no body
    pub head_only: bool,
    /// The connection stays open
    pub keeps: bool,
}

/// Why there is no answer but a status. The connection is closed after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest,
    Method,
    TooLong,
    Version,
}

impl Refusal {
    /// Status code and phrase.
    pub fn status(self) -> &'static str {
        match self {
            Refusal::BadRequest => "400 Bad Request",
            Refusal::Method => "405 Method Not Allowed",
            Refusal::TooLong => "431 Request Header Fields Too Large",
            Refusal::Version => "505 HTTP Version Not Supported",
        }
    }
}

/// What has come so far: `None` while the head is not complete; else the request and how many bytes it has.
pub(super) fn parse(bytes: &[u8]) -> Option<Result<(Request, usize), Refusal>> {
    // Empty lines before a request are to be ignored (RFC 9112 section 2.2).
    let start = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let Some(end) = end_of_head(bytes, start) else {
        return (bytes.len() >= MAX_HEAD).then_some(Err(Refusal::TooLong));
    };
    let head = bytes.get(start..end).unwrap_or_default();
    Some(if end > MAX_HEAD { Err(Refusal::TooLong) } else { request(head).map(|request| (request, end)) })
}

/// Behind the empty line that ends the head.
fn end_of_head(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let line = bytes.get(at..)?;
        let length = line.iter().position(|byte| *byte == b'\n')?;
        at += length + 1;
        if line.get(..length)?.trim_ascii_end().is_empty() {
            return Some(at);
        }
    }
}

fn request(head: &[u8]) -> Result<Request, Refusal> {
    let head = std::str::from_utf8(head).map_err(|_| Refusal::BadRequest)?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::BadRequest);
    };
    let is_new = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        other if other.starts_with("HTTP/") => return Err(Refusal::Version),
        _ => return Err(Refusal::BadRequest),
    };
    let fields = lines.take_while(|line| !line.is_empty()).map(field).collect::<Option<Vec<_>>>();
    let fields = fields.ok_or(Refusal::BadRequest)?;
    let values = |name: &'static str| {
        fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    if is_new && values("host").count() != 1 {
        return Err(Refusal::BadRequest);
    }
    let head_only = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Err(Refusal::Method),
    };
    if values("transfer-encoding").next().is_some() || values("content-length").any(|length| length != "0") {
        return Err(Refusal::BadRequest);
    }
    let connection = || values("connection").flat_map(|value| value.split(',')).map(str::trim);
    let asks = |word: &str| connection().any(|option| option.eq_ignore_ascii_case(word));
    let keeps = if is_new { !asks("close") } else { asks("keep-alive") };
    let wanted = match path(target) {
        "/metrics" => Wanted::Metrics(format(values("accept"))),
        "/" => Wanted::Hint,
        _ => Wanted::Unknown,
    };
    Ok(Request { wanted, head_only, keeps })
}

/// A header field; `None`: it is none, or a line that goes on, which nobody may send (RFC 9112 section 5.2).
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then_some((name, value.trim()))
}

/// The path of a target, which may be in the absolute form that proxies get.
fn path(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The format that is liked best: OpenMetrics only if it is named (RFC 9110 section 12.5.1).
fn format<'a>(accepted: impl Iterator<Item = &'a str>) -> Format {
    let (mut open, mut plain) = (0, 0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parameters = range.split(';').map(str::trim);
        let kind = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let (mut quality, mut version) = (1000, None);
        for parameter in parameters {
            match parameter.split_once('=') {
                Some(("q" | "Q", value)) => quality = thousandths(value),
                Some((name, value)) if name.eq_ignore_ascii_case("version") => version = Some(value.trim_matches('"')),
                _ => {}
            }
        }
        match kind.as_str() {
            "application/openmetrics-text" if version.is_none_or(|version| version == "1.0.0") => {
                open = open.max(quality);
            }
            "text/plain" | "text/*" | "*/*" => plain = plain.max(quality),
            _ => {}
        }
    }
    if open > 0 && open >= plain { Format::OpenMetrics } else { Format::Prometheus }
}

/// A weight of 0 to 1 in thousandths; what is none is 0.
fn thousandths(weight: &str) -> u32 {
    let weight: f32 = weight.trim().parse().unwrap_or(0.0);
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}

/// The head of an answer with a body of this length.
pub(super) fn head(status: &str, kind: &str, length: usize, keeps: bool) -> String {
    let connection = if keeps { "keep-alive" } else { "close" };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}Cache-Control: no-store\r\nX-Content-Type-Options: \
         nosniff\r\nConnection: {connection}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests;
