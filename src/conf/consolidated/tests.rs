use std::path::PathBuf;

use crate::conf::environment::fake::Fake;
use crate::conf::{Request, load};

/// A file with this text, read for host `main`.
fn consolidated(name: &str, text: &str) -> (PathBuf, Option<String>) {
    let file = std::env::temp_dir().join(format!("keepalived-whole-{}-{name}.conf", std::process::id()));
    std::fs::write(&file, text).expect("a file");
    let request = Request { file: file.clone(), config_id: Some("main".into()), require_files: false };
    (file, load(&request, &Fake::default()).consolidated)
}

#[test]
fn all_is_written_as_it_was_understood() {
    let (part, _) = consolidated("part", "virtual_server 10.0.0.1 80 { lvs_sched rr\n}\n");
    let text = format!(
        "global_defs {{\nconfig_save_dir /save # here\n}}\n$ID=7\n@other router_id no\n\
         ~SEQ(N, 1, 2) word$N\n\
         vrrp_instance V\n{{ virtual_router_id $ID\n  authentication {{\nauth_pass hush\n}} }}\ninclude {}\nvrrp_version 3\n",
        part.display()
    );
    let (main, whole) = consolidated("main", &text);
    let expected = format!(
        "# {main}\nglobal_defs {{\n  config_save_dir /save\n}}\nword1\nword2\nvrrp_instance V {{\n  virtual_router_id 7\n  \
         authentication {{\n    auth_pass ********\n  }}\n}}\n# {part}\nvirtual_server 10.0.0.1 80 {{\n  lvs_sched rr\n}}\n\
         # {main}\nvrrp_version 3\n",
        main = main.display(),
        part = part.display()
    );
    for file in [main, part] {
        std::fs::remove_file(file).expect("it is there");
    }
    assert_eq!(whole.as_deref(), Some(expected.as_str()));
}

#[test]
fn nothing_is_written_unless_it_is_wanted() {
    let (file, whole) = consolidated("unwanted", "global_defs {\n}\n");
    std::fs::remove_file(file).expect("it is there");
    assert_eq!(whole, None);
}
