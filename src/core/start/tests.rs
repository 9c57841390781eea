use super::*;

fn setting(options: Options, namespace: Option<&str>) -> Setting {
    Setting {
        source: Source::new(&options),
        paths: Paths::new(&options, &Global::default(), namespace),
        options,
        namespace: namespace.map(str::to_owned),
        core_limit: None,
    }
}

#[test]
fn a_long_command_line_is_wrapped_between_words() {
    let words = |count: usize| vec!["'0123456789'".to_owned(); count];
    assert_eq!(wrap("Command line", &words(2)), ["Command line: '0123456789' '0123456789'"]);
    let lines = wrap("Command line", &words(10));
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.len() <= LINE_WIDTH), "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.starts_with("              '0")), "{lines:?}");
    let long = wrap("Command line", &["x".repeat(300)]);
    assert_eq!(long.len(), 1);
}

#[test]
fn namespace_and_instance_stay_for_life() {
    let plain = Global::default();
    let in_blue = Global { net_namespace: Some("blue".into()), ..Global::default() };
    let named = Global { instance: Some("x".into()), ..Global::default() };

    let here = setting(Options::default(), None);
    assert_eq!(here.unchangeable(&plain, &plain), None);
    let refused = |reason: Option<String>, what: &str| {
        assert_eq!(reason, Some(format!("Cannot change {what} at a reload - please restart keepalived")));
    };
    refused(here.unchangeable(&plain, &in_blue), "network namespace");
    refused(here.unchangeable(&plain, &named), "instance name");

    // The command line counts, whatever the files say.
    let told = Options { namespace: Some("red".into()), ..Options::default() };
    assert_eq!(setting(told, Some("red")).unchangeable(&plain, &in_blue), None);
    refused(setting(Options::default(), Some("blue")).unchangeable(&in_blue, &plain), "network namespace");
}

#[test]
fn the_console_is_for_the_foreground_only() {
    let console = |foreground: bool, log_console: bool| {
        log_options(&Options { foreground, log_console, ..Options::default() }, None, None, None).console
    };
    assert!(console(true, true));
    assert!(!console(false, true));
    assert!(!console(true, false));
    let silent = log_options(&Options { syslog: false, ..Options::default() }, None, None, None);
    assert_eq!(silent.facility, None);
}
