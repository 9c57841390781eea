//! Files on signals: when they are there, where, for whom, and what is done where they cannot be written.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::OURS;
use super::scene::{DATA, JSON, STATS, STATS_CLEAR, Scene, machine};

/// Two instances, masters at once, with what stands before them.
fn small(global: &str) -> String {
    let instance = |name: &str, vrid: u8, priority: u8| {
        format!(
            "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n priority {priority}\n state MASTER\n \
             advert_int 0.1\n version 3\n virtual_ipaddress {{ 10.99.0.{vrid} }}\n}}\n"
        )
    };
    format!("global_defs {{\n router_id small\n{global}\n}}\n{}{}", instance("A", 100, 200), instance("B", 101, 100))
}

fn run(name: &str, global: &str, args: &[&str], environment: &[(&str, &str)]) -> Scene {
    run_text(name, small(global), args, environment)
}

fn run_text(name: &str, text: String, args: &[&str], environment: &[(&str, &str)]) -> Scene {
    let host = machine(name);
    host.within(move || {
        fs::write("/run/small.conf", text).expect("write the configuration");
        fs::create_dir("/run/dumps").expect("make a folder");
    });
    let args: Vec<&str> = ["-f", "/run/small.conf"].into_iter().chain(args.iter().copied()).collect();
    let scene = Scene::start(host, OURS, &args, environment);
    scene.awaits(&["(A) Entering MASTER STATE", "(B) Entering MASTER STATE"]);
    scene
}

/// Permission bits of a file.
fn mode(scene: &Scene, file: &str) -> u32 {
    let file = file.to_owned();
    scene.host.within(move || fs::symlink_metadata(&file).expect("the file is there").mode() & 0o7777)
}

fn names(scene: &Scene, folder: &str) -> Vec<String> {
    let folder = folder.to_owned();
    scene.host.within(move || {
        let entries = fs::read_dir(folder).expect("list a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    })
}

/// The number behind the nth line that begins so.
fn number(stats: &str, start: &str) -> u64 {
    let line = stats.lines().find_map(|line| line.strip_prefix(start));
    line.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {start} in\n{stats}"))
}

#[test]
fn files_are_there_whole_for_root_alone_and_the_log_tells() {
    let scene = run("signals", "", &[], &[]);
    for (signal, file) in [(STATS, "stats"), (DATA, "data"), (JSON, "json"), (STATS, "stats"), (JSON, "json")] {
        let file = format!("/tmp/keepalived.{file}");
        let path = file.clone();
        scene.host.within(move || fs::remove_file(path).err());
        scene.signal(signal);
        let start = Instant::now();
        while !scene.exists(&file) {
            assert!(start.elapsed() < Duration::from_secs(5), "{file} is not there:\n{}", scene.log());
            sleep(Duration::from_micros(200));
        }
        assert_eq!(mode(&scene, &file), 0o600, "{file}");
        // Whole from the first moment.
        assert!(scene.text(&file).ends_with('\n'), "{file}");
    }
    scene.awaits(&["on signal"]);
    assert_eq!(
        names(&scene, "/tmp"),
        ["keepalived.data", "keepalived.json", "keepalived.stats", "keepalived_parent.data"]
    );
    let log = scene.log();
    for what in ["parent data", "VRRP data", "VRRP stats"] {
        assert!(log.contains(&format!("Printing {what} for process(")), "{what}:\n{log}");
    }
    assert!(!log.to_lowercase().contains("json"), "{log}");
}

#[test]
fn counters_survive_a_reload_and_begin_anew_when_asked() {
    let scene = run("counters", "", &[], &[]);
    sleep(Duration::from_millis(500));
    let before = scene.stats();
    assert!(number(&before, "    Sent: ") >= 5 && number(&before, "  Became master: ") == 1, "{before}");
    scene.signal(nix::libc::SIGHUP);
    scene.awaits(&["Reload complete"]);
    let reloaded = scene.stats();
    assert!(number(&reloaded, "    Sent: ") >= number(&before, "    Sent: "), "{before}\n{reloaded}");
    let cleared = scene.ask(STATS_CLEAR, "/tmp/keepalived.stats");
    assert!(number(&cleared, "    Sent: ") >= number(&reloaded, "    Sent: "), "{cleared}");
    scene.awaits(&["on signal"]);
    assert!(scene.log().contains("Printing and clearing VRRP stats for process("), "{}", scene.log());
    let after = scene.stats();
    assert_eq!(number(&after, "  Became master: "), 0, "{after}");
    assert!(number(&after, "    Sent: ") < number(&cleared, "    Sent: "), "{cleared}\n{after}");
}

#[test]
fn nothing_is_forgotten_that_nobody_could_read() {
    let scene = run("unread", "stats_dump_file /run/missing/stats", &[], &[]);
    scene.signal(STATS_CLEAR);
    scene.awaits(&["Can't open dump file /run/missing/stats: No such file or directory (os error 2)"]);
    sleep(Duration::from_millis(200));
    let json: serde_json::Value = serde_json::from_str(&scene.json()).expect("JSON");
    assert_eq!(json[0]["stats"]["become_master"], 1, "{json}");
}

#[test]
fn files_go_where_the_configuration_wants_them() {
    let global = " data_use_instance\n state_dump_file /run/dumps/st.txt\n \
                  stats_dump_file /run/dumps/\n json_dump_file /run/dumps/j\n json_version 2\n umask 022";
    let scene = run_text("places", format!("instance ka1\n{}", small(global)), &[], &[]);
    let data = scene.ask(DATA, "/run/dumps/st.ka1.txt");
    assert!(data.contains(" VRRP Instance = A\n   VRRP Version = 3\n   State = MASTER\n"), "{data}");
    assert!(scene.ask(STATS, "/run/dumps/keepalived.stats").starts_with("VRRP Instance: A\n"));
    assert!(scene.ask(JSON, "/run/dumps/j").starts_with("{\"vrrp\":[{\"data\":{\"iname\":\"A\","));
    let written = ["j", "keepalived.stats", "st.ka1.txt", "st_parent.ka1.txt"];
    assert_eq!(names(&scene, "/run/dumps"), written);
    let modes = written.map(|name| mode(&scene, &format!("/run/dumps/{name}")));
    assert_eq!(modes, [0o600, 0o644, 0o644, 0o644]);
    let parent = scene.text("/run/dumps/st_parent.ka1.txt");
    assert!(parent.starts_with("------< Global definitions >------\n") && parent.contains(" Router ID = small\n"));
    assert!(!parent.contains("VRRP Instance"), "{parent}");
}

#[test]
fn the_environment_names_the_folder_and_the_umask_of_the_command_line_counts() {
    let scene = run("folder", "", &["-u", "007"], &[("TMPDIR", "/run/dumps")]);
    scene.ask(DATA, "/run/dumps/keepalived.data");
    assert_eq!(mode(&scene, "/run/dumps/keepalived.data"), 0o660);
    assert!(names(&scene, "/tmp").is_empty());
    let nowhere = run("no-folder", "", &[], &[("TMPDIR", "/run/nowhere")]);
    nowhere.ask(DATA, "/tmp/keepalived.data");
}

#[test]
fn children_hear_signals_themselves() {
    let scene = run("child", "", &[], &[]);
    let pid = scene.text("/run/vrrp.pid").trim().to_owned();
    let asked = |signal: &str| scene.host.run("kill", &[signal, &pid]);
    for (signal, file) in [("-USR1", "data"), ("-USR2", "stats"), ("-36", "json")] {
        let file = format!("/tmp/keepalived.{file}");
        asked(signal);
        let start = Instant::now();
        while !scene.exists(&file) {
            assert!(start.elapsed() < Duration::from_secs(5), "{file}:\n{}", scene.log());
            sleep(Duration::from_millis(5));
        }
    }
    assert!(!scene.exists("/tmp/keepalived_parent.data"));
}

#[test]
fn what_is_planted_is_not_written_to() {
    let scene = run("planted", "", &[], &[]);
    scene.host.within(|| {
        fs::write("/run/victim", "precious").expect("write");
        for name in ["data", "stats", "json"] {
            symlink("/run/victim", format!("/tmp/keepalived.{name}")).expect("plant a link");
        }
        fs::hard_link("/run/victim", "/run/other").expect("another name");
    });
    [DATA, STATS, JSON].into_iter().for_each(|signal| scene.signal(signal));
    let file = |name: &str| {
        let path = format!("/tmp/keepalived.{name}");
        scene.host.within(move || fs::symlink_metadata(path).is_ok_and(|it| it.is_file()))
    };
    let start = Instant::now();
    while !["data", "stats", "json"].into_iter().all(file) {
        assert!(start.elapsed() < Duration::from_secs(5), "{}", scene.log());
        sleep(Duration::from_millis(10));
    }
    assert_eq!(scene.text("/run/victim"), "precious");
}

#[test]
fn a_full_disk_and_a_folder_that_refuses_are_told_of_and_nothing_else() {
    let global = " state_dump_file /run/dumps/data\n stats_dump_file /run/occupied/stats";
    let scene = run("full", global, &[], &[]);
    scene.host.run("mount", &["-t", "tmpfs", "-o", "size=4k,nr_inodes=8", "tmpfs", "/run/dumps"]);
    scene.host.within(|| {
        fs::write("/run/dumps/data", "old\n").expect("write");
        fs::create_dir_all("/run/occupied/stats/within").expect("make a folder");
    });
    let adverts = |scene: &Scene| -> u64 {
        let json: serde_json::Value = serde_json::from_str(&scene.json()).expect("JSON");
        json[0]["stats"]["advert_sent"].as_u64().expect("a number")
    };
    let before = adverts(&scene);
    scene.signal(DATA);
    scene.signal(STATS);
    scene.awaits(&[
        "Can't open dump file /run/dumps/data: No space left on device (os error 28)",
        "Can't open dump file /run/occupied/stats: Is a directory (os error 21)",
    ]);
    assert_eq!(scene.text("/run/dumps/data"), "old\n");
    assert_eq!(names(&scene, "/run/occupied"), ["stats"]);
    sleep(Duration::from_millis(300));
    let left = names(&scene, "/run/dumps");
    // That of the parent is small enough, or is not there.
    assert!(left.iter().all(|name| name == "data" || name == "data_parent"), "{left:?}");
    assert!(adverts(&scene) > before, "adverts go on");
}

#[test]
fn the_check_process_writes_its_own_file() {
    let host = machine("checker");
    host.within(|| {
        let text = "virtual_server 10.99.0.9 80 {\n lvs_sched rr\n protocol TCP\n real_server 10.99.0.1 80 {\n \
                    TCP_CHECK {\n connect_timeout 1\n }\n }\n}\n";
        fs::write("/run/check.conf", text).expect("write the configuration");
    });
    let scene = Scene::start(host, OURS, &["-f", "/run/check.conf"], &[]);
    scene.awaits(&["Startup complete"]);
    // Nobody is there for these.
    [STATS, STATS_CLEAR, JSON].into_iter().for_each(|signal| scene.signal(signal));
    let data = scene.ask(DATA, "/tmp/keepalived_check.data");
    assert!(data.contains("------< LVS Topology >------\n"), "{data}");
    assert!(scene.log().contains("Printing checker data for process("), "{}", scene.log());
    assert_eq!(names(&scene, "/tmp"), ["keepalived_check.data", "keepalived_parent.data"]);
}

#[test]
fn numbers_of_signals_are_those_that_clients_send() {
    let numbers = [("DATA", DATA), ("STATS", STATS), ("STATS_CLEAR", STATS_CLEAR), ("JSON", JSON)];
    for (name, number) in numbers {
        let said = Command::new(OURS).arg(format!("--signum={name}")).output().expect("run our binary");
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), number.to_string(), "{name}");
    }
}
