//! Health checks of a real server.

use super::prelude::*;

/// What all checks with a period have.
#[rustfmt::skip]
pub(super) static COMMON: &[Keyword] = &[
    set("retry", "INT", "0..4294967295", "real server's, else 1 (DNS_CHECK 3, MISC_CHECK 0)",
        "Retries before the server counts as down",
        schedule::retry),
    set("delay_before_retry", "TIMER", "0..18446744073709.551614 s", "real server's, else 1 (HTTP_GET/SSL_GET 3, DNS_CHECK delay_loop)",
        "Pause before a retry",
        schedule::delay_before_retry),
    set("warmup", "TIMER", "0..18446744073709.551614 s", "real server's, else delay_loop",
        "Max random start delay",
        schedule::warmup),
    set("delay_loop", "TIMER", "0.000001..18446744073709.551614 s", "real server's, else virtual server's (60)",
        "Check period",
        schedule::delay_loop),
    set("alpha", "[BOOL]", "", "real server's",
        "Start as down",
        schedule::alpha),
    set("log_all_failures", "[BOOL]", "", "global checker_log_all_failures",
        "Log every failed attempt",
        schedule::log_all_failures),
];

/// What all checks that connect somewhere have.
#[rustfmt::skip]
pub(super) static CONNECT: &[Keyword] = &[
    set("connect_ip", "ADDR", "family must match bindto", "real server address",
        "Address to connect to; a link-local IPv6 address needs bind_if, else the checker is dropped (reported)",
        checker::connect_ip),
    set("connect_port", "INT", "1..65535", "real server port",
        "Port to connect to",
        checker::connect_port),
    set("bindto", "ADDR", "family must match the destination", "none",
        "Local address",
        checker::bind_ip),
    set("bind_port", "INT", "1..65535", "none",
        "Local port",
        checker::bind_port),
    set("bind_if", "IFACE", "<= 15 bytes", "none",
        "Local interface",
        checker::bind_if),
    set("connect_timeout", "TIMER", "0.000001..4294.967295 s", "real server's, else virtual server's (5)",
        "Connect time limit",
        schedule::connect_timeout),
    set("fwmark", "INT", "0..4294967295", "0",
        "Socket mark",
        checker::fwmark),
];

/// `MISC_CHECK`
#[rustfmt::skip]
pub(super) static MISC: &[Keyword] = &[
    set("misc_path", "SCRIPT", "", "required",
        "Program to run; only the (quoted) first word is used, words after it are ignored",
        checker_kinds::misc_path),
    set("misc_timeout", "INT", "0..4294 s", "0 = the virtual server's delay_loop",
        "Time limit",
        checker_kinds::misc_timeout),
    set("misc_dynamic", "", "", "off",
        "Exit status 2..255 sets the weight to status-2",
        checker_kinds::misc_dynamic),
    set("user", "USER [GROUP]", "names only", "script_user",
        "Identity; bad: checker removed (reported)",
        checker_kinds::misc_user),
];

/// `SMTP_CHECK`
#[rustfmt::skip]
pub(super) static SMTP: &[Keyword] = &[
    set("helo_name", "STRING", "repeat replaces (reported)", "smtpchecker.keepalived.org",
        "HELO argument",
        checker::helo_name),
    block("host", "block", "", "",
        "Extra target; one checker per host block",
        Block::SmtpHost, (checker::open_host, checker::close_host)).old("deprecated (log only): use several checkers"),
];

/// `UDP_CHECK`
#[rustfmt::skip]
pub(super) static UDP: &[Keyword] = &[
    set("payload", "HEX [HEX]...", "hex digits, blanks between octets, a single digit before a blank is an octet", "random",
        "Datagram to send",
        checker_kinds::payload),
    set("require_reply", "[HEX [HEX]...]", "x or X = wildcard nibble", "off",
        "A reply is needed, and must match HEX if given",
        checker_kinds::require_reply),
    set("min_reply_length", "INT", "0..65535", "0",
        "Minimum reply size",
        checker_kinds::min_reply),
    set("max_reply_length", "INT", "0..65535", "255",
        "Maximum reply size",
        checker_kinds::max_reply),
];

/// `HTTP_GET` and `SSL_GET`
#[rustfmt::skip]
pub(super) static HTTP: &[Keyword] = &[
    set("nb_get_retry", "INT", "0..4294967295", "",
        "Retries",
        checker_http::nb_get_retry).old("deprecated alias of retry (reported, still works); accepted only in HTTP_GET and SSL_GET"),
    set("virtualhost", "STRING", "", "real server's, else virtual server's",
        "Host header default",
        checker_http::virtualhost),
    set("http_protocol", "1.0|1.0C|1.0c|1.1", "", "1.0",
        "Request version; 1.0C adds Connection: close",
        checker_http::protocol),
    set("enable_sni", "[BOOL]", "", "off",
        "Send SNI (also accepted in HTTP_GET)",
        checker_http::enable_sni),
    set("sni_name", "[STRING]", "", "virtualhost",
        "SNI name, turns enable_sni on",
        checker_http::sni_name).since("2.2.8 or later"),
    set("fast_recovery", "[BOOL]", "", "off",
        "No delay between urls when recovering",
        checker_http::fast_recovery),
];

/// `HTTP_GET`
#[rustfmt::skip]
pub(super) static HTTP_URLS: &[Keyword] = &[
    block("url", "block", "", "",
        "One request; may repeat",
        Block::HttpUrl, (checker_http::open_url, checker_http::close_url)),
];

/// `SSL_GET`
#[rustfmt::skip]
pub(super) static SSL_ONLY: &[Keyword] = &[
    set("tls_compliant", "[BOOL]", "", "off",
        "Wait for the TLS close notify",
        checker_http::tls_compliant).since("2.2.8"),
    block("url", "block", "", "",
        "One request; may repeat",
        Block::SslUrl, (checker_http::open_url, checker_http::close_url)),
];

/// `url`
#[rustfmt::skip]
pub(super) static URL: &[Keyword] = &[
    set("path", "STRING", "repeat replaces (reported)", "required",
        "Request path",
        checker_http::path),
    set("digest", "STRING", "32 hex digits", "none",
        "Expected MD5 of the body; repeat reported, ignored",
        checker_http::digest),
    set("status_code", "INT[-INT]...", "100..599, several words", "200-299",
        "Accepted status codes; repeats add up; bad word reported, skipped",
        checker_http::status_code),
    set("virtualhost", "STRING", "", "checker's",
        "Host header",
        checker_http::url_virtualhost),
    set("regex", "STRING", "exactly one (quoted, escaped) word", "none",
        "PCRE2 pattern for the body; repeat replaces (reported)",
        checker_http::regex),
    set("regex_no_match", "", "", "off",
        "Success if the pattern does not match",
        checker_http::regex_no_match),
    set("regex_options", "WORD...", "allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended firstline match_unset_backref multiline never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor no_start_optimize ucp ungreedy utf never_backslash_c alt_circumflex alt_verbnames use_offset_limit", "none",
        "PCRE2 options; unknown words silently ignored",
        checker_http::regex_options),
    set("regex_min_offset", "INT", "decimal", "0",
        "First body offset that may match (faults only logged)",
        checker_http::regex_min_offset),
    set("regex_max_offset", "INT", "decimal; must exceed min (else both dropped, log only)", "none",
        "Last body offset that may match",
        checker_http::regex_max_offset),
    set("regex_stack", "INT INT", "start <= max", "none",
        "PCRE2 JIT stack sizes (faults only logged)",
        checker_http::regex_stack),
];

/// `url` of `SSL_GET`
#[rustfmt::skip]
pub(super) static SSL_URL: &[Keyword] = &[
    set("tls_compliant", "[BOOL]", "", "checker's",
        "Wait for the TLS close notify",
        checker_http::tls_compliant).since("2.2.8"),
];

/// `DNS_CHECK`
#[rustfmt::skip]
pub(super) static DNS: &[Keyword] = &[
    set("type", "A|NS|CNAME|SOA|MX|TXT|AAAA|RRSIG|DNSKEY", "any case", "SOA",
        "Query type; unknown reported, ignored",
        checker_kinds::dns_type),
    set("name", "STRING", "no empty label; first wins", ". (root)",
        "Query name",
        checker_kinds::dns_name),
];

/// `FILE_CHECK`
#[rustfmt::skip]
pub(super) static FILE: &[Keyword] = &[
    set("track_file", "NAME", "must be defined earlier", "required",
        "Track_file to use",
        checker_kinds::track_file),
    set("weight", "INT [reverse|noreverse]", "-2147483647..2147483647", "that of the track_file",
        "Multiplier",
        checker_kinds::file_weight),
];

/// `BFD_CHECK`
#[rustfmt::skip]
pub(super) static BFD_CHECK: &[Keyword] = &[
    set("name", "NAME", "must be defined earlier", "required",
        "Bfd_instance to follow; unknown, or already followed by this server: checker dropped (reported)",
        checker_kinds::bfd_name),
    set("alpha", "[BOOL]", "", "real server's",
        "Start as down",
        schedule::alpha),
];
