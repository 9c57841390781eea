use super::*;

#[test]
fn protocols_have_names_and_aliases() {
    let text = "# comment\nip\t0\tIP\t\t# internet protocol\nicmp\t1\tICMP\ntcp\t6\tTCP\n";
    assert_eq!(ip_protocol(text, "tcp"), Some(6));
    assert_eq!(ip_protocol(text, "IP"), Some(0));
    assert_eq!(ip_protocol(text, "internet"), None);
}

#[test]
fn files_of_the_host_hide_those_of_the_distribution() {
    let folder = std::env::temp_dir().join(format!("keepalived-rs-names-{}", std::process::id()));
    let (etc, usr) = (folder.join("etc"), folder.join("usr"));
    for (path, content) in [
        (usr.join("rt_tables"), "1 usr"),
        (usr.join("rt_tables.d/a.conf"), "2 usr-a"),
        (usr.join("rt_tables.d/b.conf"), "3 usr-b"),
        (etc.join("rt_tables.d/b.conf"), "4 etc-b"),
        (etc.join("rt_tables.d/.c.conf"), "5 hidden"),
        (etc.join("rt_tables.d/d.txt"), "6 other"),
    ] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    assert_eq!(texts("rt_tables", &etc, &usr), ["1 usr", "2 usr-a", "4 etc-b"]);
    fs::write(etc.join("rt_tables"), "7 etc").unwrap();
    assert_eq!(texts("rt_tables", &etc, &usr), ["7 etc", "2 usr-a", "4 etc-b"]);
    assert!(texts("rt_tables", &folder, &folder).is_empty());
    fs::remove_dir_all(folder).unwrap();
}
