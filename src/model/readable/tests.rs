use std::os::unix::ffi::OsStringExt;

use serde::de::DeserializeOwned;

use super::*;
use crate::model::check::Ssl;
use crate::model::macvlan::Macvlan;
use crate::model::settings::{Fifo, ReloadRules};
use crate::model::tracker::Probe;
use crate::model::{Micros, Script, Secret};

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// Frames between our processes bring everything over as it is.
fn survives_a_frame<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    let bytes = postcard::to_stdvec(&value).unwrap();
    assert_eq!(postcard::from_bytes::<T>(&bytes).unwrap(), value);
}

#[test]
fn people_see_text_seconds_and_asterisks_and_frames_bring_everything() {
    let secret = Secret::new(*b"s3cr3t");
    assert_eq!(json(&secret), r#""********""#);
    survives_a_frame(secret);

    let span = Micros(1_500_000);
    assert_eq!(json(&span), "1.5");
    survives_a_frame(span);

    let odd = OsString::from_vec(b"a\xffb".to_vec());
    let script = Script { argv: vec!["/bin/x".into(), odd], uid: 1, gid: 2, program: None, further_groups: false };
    assert_eq!(
        json(&script),
        "{\"argv\":[\"/bin/x\",\"a\u{fffd}b\"],\"program\":null,\"uid\":1,\"gid\":2,\"further_groups\":false}"
    );
    survives_a_frame(script);

    let link = Macvlan { mac: Some([2, 0, 0, 0, 0, 0xab]), ..Macvlan::default() };
    assert!(json(&link).contains(r#""mac":"0200000000ab""#));
    survives_a_frame(link);
    assert!(json(&Macvlan::default()).contains(r#""mac":null"#));
}

/// Bytes that are no text must neither stop the daemon nor the document.
#[test]
fn paths_need_not_be_text() {
    let odd = || PathBuf::from(OsString::from_vec(b"/a\xffb".to_vec()));
    let probe = Probe::Open { file: odd(), uid: 1, gid: 2, further_groups: false };
    assert_eq!(json(&probe), "{\"Open\":{\"file\":\"/a\u{fffd}b\",\"uid\":1,\"gid\":2,\"further_groups\":false}}");
    survives_a_frame(probe);

    let fifo = Fifo { path: odd(), uid: 0, gid: 0, script: None };
    assert!(json(&fifo).contains("\"path\":\"/a\u{fffd}b\""));
    survives_a_frame(fifo);

    let ssl = Ssl { key: Some(odd()), ..Ssl::default() };
    assert!(json(&ssl).ends_with("\"ca\":null,\"certificate\":null,\"key\":\"/a\u{fffd}b\"}"));
    survives_a_frame(ssl);

    for (marker, shown) in [(None, "null"), (Some(None), "null"), (Some(Some(odd())), "\"/a\u{fffd}b\"")] {
        let rules = ReloadRules { marker, ..ReloadRules::default() };
        assert!(json(&rules).ends_with(&format!("\"marker\":{shown}}}")), "{}", json(&rules));
        survives_a_frame(rules);
    }
}

#[test]
fn words_are_shown_as_a_shell_would_read_them() {
    let script =
        Script { argv: vec!["/bin/x".into(), "it's".into()], uid: 0, gid: 0, program: None, further_groups: false };
    assert_eq!(script.to_string(), r"'/bin/x' 'it'\''s'");
}
