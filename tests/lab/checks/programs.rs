//! MISC_CHECK and FILE_CHECK; and servers that people use.

use super::play::{Protocol, compare};
use super::{case, checker, shell};

crate::tests! {
    misc_check
    file_check
    real_servers
}

/// The script of a case exits as a file says, or does not exit.
const SCRIPT: &str = "printf '#!/bin/sh\\nread code </run/lab/code$1\\n[ \"$code\" = hang ] && exec sleep 100\\nexit $code\\n' \
                      >/run/lab/check.new; chmod 755 /run/lab/check.new; mv /run/lab/check.new /run/lab/check; \
                      echo 0 >/run/lab/codeNUMBER";

fn misc_check() {
    let check = |lines: &str| {
        checker("MISC_CHECK", &format!("misc_path \"/run/lab/check NUMBER\"\n   misc_timeout 1\n   {lines}"))
    };
    compare(
        "misc",
        Protocol::Tcp,
        &[
            case("status 1", check(""), shell(SCRIPT), shell("echo 1 >/run/lab/codeNUMBER")),
            case(
                "status 77, every failure logged",
                check("log_all_failures"),
                shell(SCRIPT),
                shell("echo 77 >/run/lab/codeNUMBER"),
            ),
            case("no end", check("log_all_failures"), shell(SCRIPT), shell("echo hang >/run/lab/codeNUMBER")),
            case("a weight", check("misc_dynamic"), shell(SCRIPT), shell("echo 1 >/run/lab/codeNUMBER")),
        ],
    );
}

fn file_check() {
    let check = || "  FILE_CHECK {\n   track_file fNUMBER\n  }".to_owned();
    compare(
        "file",
        Protocol::Tcp,
        &[case("a number", check(), shell("echo 0 >/run/lab/fNUMBER"), shell("echo 1 >/run/lab/fNUMBER"))],
    );
}

/// nginx, `openssl s_server`, dnsmasq.
fn real_servers() {
    const STOP: &str = "read pid </run/lab/pidNUMBER; kill $pid; while [ -e /proc/$pid ]; do sleep 0.02; done";
    const NGINX: &str = "printf 'pid /run/lab/pidNUMBER; error_log /run/lab/nginx; events {} http { access_log off; \
        server { listen ADDRESS:8000; location / { return 200 \"hello\\\\n\"; } } }' >/run/lab/nginx.conf; \
        nginx -e /run/lab/nginx -c /run/lab/nginx.conf";
    const S_SERVER: &str = "cd /run/lab; [ -e key ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 \
        -subj /CN=lab 2>/dev/null; openssl s_server -accept ADDRESS:8000 -cert cert -key key -www -quiet >/dev/null 2>&1 & \
        echo $! >/run/lab/pidNUMBER";
    const DNSMASQ: &str = "dnsmasq --no-resolv --no-hosts --conf-file=/dev/null --user=root --port=8000 --bind-interfaces \
        --listen-address=ADDRESS --except-interface=none --address=/lab.example/10.1.2.3 --pid-file=/run/lab/pidNUMBER";
    let page = "log_all_failures\n   url {\n    path /\n   }";
    compare(
        "real",
        Protocol::Tcp,
        &[
            case("nginx", checker("HTTP_GET", page), shell(NGINX), shell(STOP)),
            case(
                "nginx, 1.1",
                checker("HTTP_GET", &format!("http_protocol 1.1\n   {page}")),
                shell(NGINX),
                shell(STOP),
            ),
            case("openssl s_server", checker("SSL_GET", page), shell(S_SERVER), shell(STOP)),
            case(
                "dnsmasq",
                checker("DNS_CHECK", "type A\n   name lab.example\n   log_all_failures"),
                shell(DNSMASQ),
                shell(STOP),
            ),
        ],
    );
}
