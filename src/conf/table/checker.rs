//! Health checks of a real server.

use super::prelude::*;

/// What all checks with a period have.
#[rustfmt::skip]
pub(super) static COMMON: &[Keyword] = &[
    later("retry", "INT", "0..4294967295", "real server's, else 1 (DNS_CHECK 3, MISC_CHECK 0)",
        "Retries before the server counts as down",
        Takes::Uint(0, u32::MAX as u64)),
    later("delay_before_retry", "TIMER", "0..18446744073709.551614 s", "real server's, else 1 (HTTP_GET/SSL_GET 3, DNS_CHECK delay_loop)",
        "Pause before a retry",
        Takes::Time(Decimal::seconds(0, u64::MAX))),
    later("warmup", "TIMER", "0..18446744073709.551614 s", "real server's, else delay_loop",
        "Max random start delay",
        Takes::Time(Decimal::seconds(0, u64::MAX))),
    later("delay_loop", "TIMER", "0.000001..18446744073709.551614 s", "real server's, else virtual server's (60)",
        "Check period",
        Takes::Time(Decimal::seconds(1, u64::MAX))),
    later("alpha", "[BOOL]", "", "real server's",
        "Start as down",
        Takes::Bool),
    later("log_all_failures", "[BOOL]", "", "global checker_log_all_failures",
        "Log every failed attempt",
        Takes::Bool),
];

/// What all checks that connect somewhere have.
#[rustfmt::skip]
pub(super) static CONNECT: &[Keyword] = &[
    later("connect_ip", "ADDR", "family must match bindto", "real server address",
        "Address to connect to; a link-local IPv6 address needs bind_if, else the checker is dropped (reported)",
        Takes::Address),
    later("connect_port", "INT", "1..65535", "real server port",
        "Port to connect to",
        Takes::Uint(1, 65535)),
    later("bindto", "ADDR", "family must match the destination", "none",
        "Local address",
        Takes::Address),
    later("bind_port", "INT", "1..65535", "none",
        "Local port",
        Takes::Uint(1, 65535)),
    later("bind_if", "IFACE", "<= 15 bytes", "none",
        "Local interface",
        Takes::Word),
    later("connect_timeout", "TIMER", "0.000001..4294.967295 s", "real server's, else virtual server's (5)",
        "Connect time limit",
        Takes::Time(Decimal::seconds(1, u32::MAX as u64))),
    later("fwmark", "INT", "0..4294967295", "0",
        "Socket mark",
        Takes::Uint(0, u32::MAX as u64)),
];

/// `MISC_CHECK`
#[rustfmt::skip]
pub(super) static MISC: &[Keyword] = &[
    later_set("misc_path", "SCRIPT", "", "required",
        "Program to run; only the (quoted) first word is used, words after it are ignored",
        service::misc_path),
    later("misc_timeout", "INT", "0..4294 s", "0 = the virtual server's delay_loop",
        "Time limit",
        Takes::Uint(0, 4294)),
    later("misc_dynamic", "", "", "off",
        "Exit status 2..255 sets the weight to status-2",
        Takes::Nothing),
    later_set("user", "USER [GROUP]", "names only", "script_user",
        "Identity; bad: checker removed (reported)",
        service::misc_user),
];

/// `SMTP_CHECK`
#[rustfmt::skip]
pub(super) static SMTP: &[Keyword] = &[
    later("helo_name", "STRING", "repeat replaces (reported)", "smtpchecker.keepalived.org",
        "HELO argument",
        Takes::Soft(&Takes::Word)),
    later_block("host", "block", "", "",
        "Extra target; one checker per host block",
        Block::SmtpHost, (nothing, closed)).old("deprecated (log only): use several checkers"),
];

/// `UDP_CHECK`
#[rustfmt::skip]
pub(super) static UDP: &[Keyword] = &[
    later("payload", "HEX [HEX]...", "hex digits, blanks between octets, a single digit before a blank is an octet", "random",
        "Datagram to send",
        Takes::Soft(&Takes::Word)),
    later("require_reply", "[HEX [HEX]...]", "x or X = wildcard nibble", "off",
        "A reply is needed, and must match HEX if given",
        Takes::Nothing),
    later("min_reply_length", "INT", "0..65535", "0",
        "Minimum reply size",
        Takes::Uint(0, 65535)),
    later("max_reply_length", "INT", "0..65535", "255",
        "Maximum reply size",
        Takes::Uint(0, 65535)),
];

/// `HTTP_GET` and `SSL_GET`
#[rustfmt::skip]
pub(super) static HTTP: &[Keyword] = &[
    later("nb_get_retry", "INT", "0..4294967295", "",
        "Retries",
        Takes::Deprecated("nb_get_retry is deprecated - please use 'retry'", &Takes::Uint(0, u32::MAX as u64))).old("deprecated alias of retry (reported, still works); accepted only in HTTP_GET and SSL_GET"),
    later("virtualhost", "STRING", "", "real server's, else virtual server's",
        "Host header default",
        Takes::Soft(&Takes::Word)),
    later("http_protocol", "1.0|1.0C|1.0c|1.1", "", "1.0",
        "Request version; 1.0C adds Connection: close",
        Takes::Soft(&Takes::OneOf(&["1.0", "1.0C", "1.0c", "1.1"]))),
    later("enable_sni", "[BOOL]", "", "off",
        "Send SNI (also accepted in HTTP_GET)",
        Takes::Bool),
    later("sni_name", "[STRING]", "", "virtualhost",
        "SNI name, turns enable_sni on",
        Takes::Nothing),
    later("fast_recovery", "[BOOL]", "", "off",
        "No delay between urls when recovering",
        Takes::Bool),
];

/// `HTTP_GET`
#[rustfmt::skip]
pub(super) static HTTP_URLS: &[Keyword] = &[
    later_block("url", "block", "", "",
        "One request; may repeat",
        Block::HttpUrl, (nothing, closed)),
];

/// `SSL_GET`
#[rustfmt::skip]
pub(super) static SSL_ONLY: &[Keyword] = &[
    later("tls_compliant", "[BOOL]", "", "off",
        "Wait for the TLS close notify",
        Takes::Bool),
    later_block("url", "block", "", "",
        "One request; may repeat",
        Block::SslUrl, (nothing, closed)),
];

/// `url`
#[rustfmt::skip]
pub(super) static URL: &[Keyword] = &[
    later("path", "STRING", "repeat replaces (reported)", "required",
        "Request path",
        Takes::Word),
    later("digest", "STRING", "32 hex digits", "none",
        "Expected MD5 of the body; repeat reported, ignored",
        Takes::Word),
    later("status_code", "INT[-INT]...", "100..599, several words", "200-299",
        "Accepted status codes; repeats add up; bad word reported, skipped",
        Takes::Word),
    later("virtualhost", "STRING", "", "checker's",
        "Host header",
        Takes::Soft(&Takes::Word)),
    later("regex", "STRING", "exactly one (quoted, escaped) word", "none",
        "PCRE2 pattern for the body; repeat replaces (reported)",
        Takes::Soft(&Takes::Word)),
    later("regex_no_match", "", "", "off",
        "Success if the pattern does not match",
        Takes::Nothing),
    later("regex_options", "WORD...", "allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended firstline match_unset_backref multiline never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor no_start_optimize ucp ungreedy utf never_backslash_c alt_circumflex alt_verbnames use_offset_limit", "none",
        "PCRE2 options; unknown words silently ignored",
        Takes::Word),
    later("regex_min_offset", "INT", "decimal", "0",
        "First body offset that may match (faults only logged)",
        Takes::Nothing),
    later("regex_max_offset", "INT", "decimal; must exceed min (else both dropped, log only)", "none",
        "Last body offset that may match",
        Takes::Nothing),
    later("regex_stack", "INT INT", "start <= max", "none",
        "PCRE2 JIT stack sizes (faults only logged)",
        Takes::Nothing),
];

/// `url` of `SSL_GET`
#[rustfmt::skip]
pub(super) static SSL_URL: &[Keyword] = &[
    later("tls_compliant", "[BOOL]", "", "checker's",
        "Wait for the TLS close notify",
        Takes::Bool),
];

/// `DNS_CHECK`
#[rustfmt::skip]
pub(super) static DNS: &[Keyword] = &[
    later("type", "A|NS|CNAME|SOA|MX|TXT|AAAA|RRSIG|DNSKEY", "upper case", "SOA",
        "Query type; unknown reported, ignored",
        Takes::OneOf(&["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"])),
    later("name", "STRING", "no empty label; first wins", ". (root)",
        "Query name",
        Takes::Word),
];

/// `FILE_CHECK`
#[rustfmt::skip]
pub(super) static FILE: &[Keyword] = &[
    later("track_file", "NAME", "must be defined earlier", "required",
        "Track_file to use",
        Takes::Word),
    later("weight", "INT [reverse|noreverse]", "-2147483647..2147483647", "that of the track_file",
        "Multiplier",
        Takes::Int(i32::MIN as i64 + 1, i32::MAX as i64)),
];

/// `BFD_CHECK`
#[rustfmt::skip]
pub(super) static BFD_CHECK: &[Keyword] = &[
    later("name", "NAME", "must be defined earlier", "required",
        "Bfd_instance to follow; unknown, or already followed by this server: checker dropped (reported)",
        Takes::Word),
    later("alpha", "[BOOL]", "", "real server's",
        "Start as down",
        Takes::Bool),
];
