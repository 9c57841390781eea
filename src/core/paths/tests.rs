use super::*;

fn shown(options: &Options, global: &Global, namespace: Option<&str>) -> [String; 3] {
    let paths = Paths::new(options, global, namespace);
    [&paths.parent, paths.of(Role::Vrrp), paths.of(Role::Check)].map(|path: &Path| path.display().to_string())
}

#[test]
fn files_are_where_keepalived_has_them() {
    let options = Options::default();
    let plain = Global::default();
    assert_eq!(shown(&options, &plain, None), ["/run/keepalived.pid", "/run/vrrp.pid", "/run/checkers.pid"]);
    assert_eq!(
        shown(&options, &plain, Some("blue")),
        ["/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid", "/run/keepalived/checkers.pid"]
    );
    let named = Global { instance: Some("x".into()), ..plain.clone() };
    assert_eq!(
        shown(&options, &named, None),
        ["/run/keepalived/keepalived_x.pid", "/run/keepalived/vrrp_x.pid", "/run/keepalived/checkers_x.pid"]
    );
    let folder = Global { use_pid_dir: true, ..plain };
    assert_eq!(
        shown(&options, &folder, None),
        ["/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid", "/run/keepalived/checkers.pid"]
    );
}

#[test]
fn the_command_line_decides() {
    let options = Options {
        pid_file: Some("/a".into()),
        vrrp_pid_file: Some("/b".into()),
        checkers_pid_file: Some("/c".into()),
        ..Options::default()
    };
    let named = Global { instance: Some("x".into()), ..Global::default() };
    assert_eq!(shown(&options, &named, None), ["/a", "/b", "/c"]);
}

#[test]
fn a_relative_path_is_one_of_the_folder_of_the_start() {
    let options =
        Options { pid_file: Some("a.pid".into()), vrrp_pid_file: Some("b/c.pid".into()), ..Options::default() };
    let here = std::env::current_dir().expect("a folder").display().to_string();
    let shown = shown(&options, &Global::default(), None);
    assert_eq!(shown, [format!("{here}/a.pid"), format!("{here}/b/c.pid"), "/run/checkers.pid".to_owned()]);
}
