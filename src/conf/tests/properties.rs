//! Whatever the text says, reading ends, and every place that is named exists.

use proptest::prelude::*;

use super::*;
use crate::conf::table::Block;

/// Reads, and looks at all that can be asked of the result.
fn survives(text: &[u8]) -> Result<(), TestCaseError> {
    let loaded = read(text);
    let shown = loaded.render(Style { colour: true });
    prop_assert!(!shown.is_empty() || loaded.diagnostics.is_empty());
    let lines = text.split(|byte| *byte == b'\n').count() as u32;
    for diagnostic in &loaded.diagnostics {
        if let Some(place) = diagnostic.place {
            prop_assert!(place.at.line >= 1 && place.at.line <= lines, "{diagnostic:?}");
            prop_assert!(place.at.column >= 1);
        }
    }
    prop_assert_eq!(loaded.log_lines().count(), loaded.diagnostics.len());
    Ok(())
}

fn word() -> impl Strategy<Value = String> {
    let keywords: Vec<&'static str> =
        Block::ALL.into_iter().flat_map(Block::keywords).map(|keyword| keyword.name).collect();
    let values = [
        "{",
        "}",
        "{",
        "}",
        "\"",
        "'",
        "eth0",
        "lo",
        "10.9.9.8/24",
        "fe80::1",
        "300",
        "-1",
        "1.5",
        "MASTER",
        "V",
        "W",
        "$X",
        "${X}",
        "$X=${X}",
        "$X=a \\",
        "\\",
        "@main",
        "@^main",
        "~SEQ(I,1,3)",
        "~LST(A,b,c)",
        "$I",
        "#",
        "!",
        "dev",
        "weight",
        "include",
        "/nowhere",
        "virtual_server",
        "vrrp_instance",
        "global_defs",
        "${_RANDOM 5 1}",
        "é",
    ];
    prop_oneof![
        3 => prop::sample::select(keywords).prop_map(str::to_string),
        3 => prop::sample::select(values.to_vec()).prop_map(str::to_string),
        1 => "[ -~]{0,12}",
    ]
}

/// Words with blanks or line ends between them.
fn soup() -> impl Strategy<Value = String> {
    let part = (word(), prop::sample::select(vec![" ", "\n", " ", "\n", "", "\t", "\r\n"]));
    prop::collection::vec(part, 0..120)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap.to_string()]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes(text in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(&text)?;
    }

    #[test]
    fn keyword_soup(text in soup()) {
        survives(text.as_bytes())?;
    }
}

#[test]
fn long_files_take_little_time() {
    let one = |n: u32| {
        format!(
            "vrrp_instance V{n} {{\n  interface eth0\n  virtual_router_id {}\n  priority 100\n  advert_int 1\n  \
             mcast_dst_ip 224.0.{}.{}\n  virtual_ipaddress {{\n    10.{}.{}.8/24 dev eth0\n  }}\n}}\n",
            n % 255 + 1,
            n / 255 / 250,
            n / 255 % 250 + 1,
            n / 250,
            n % 250,
        )
    };
    let text: String = (0..10_000).map(one).collect();
    let started = std::time::Instant::now();
    let loaded = read(&text);
    assert_eq!(words(&loaded), Vec::<&str>::new());
    assert_eq!(loaded.config.vrrp.instances.len(), 10_000);
    // Without optimisation, and with the machine busy with other tests; a quadratic step would take minutes.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn many_faults_take_little_time() {
    let text: String = (0..30_000).map(|n| format!("unknown{n} \"a\n")).collect();
    let started = std::time::Instant::now();
    let loaded = read(&text);
    assert_eq!(loaded.diagnostics.len(), 10_001);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
