use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::*;

#[test]
fn a_stop_goes_on_to_the_child_and_to_nobody_when_it_has_gone() {
    let start = || Command::new("sleep").arg("60").spawn().expect("sleep starts");
    let (mut first, mut second) = (start(), start());
    {
        let _relay = Relay::to(first.id()).expect("a descriptor of the child");
        pass_on();
    }
    assert_eq!(first.wait().expect("it ends").signal(), Some(libc::SIGTERM));
    pass_on();

    let old = Relay::to(second.id()).expect("a descriptor of the child");
    let new = Relay::to(second.id()).expect("a descriptor of the child");
    drop(old);
    pass_on();
    assert_eq!(second.wait().expect("it ends").signal(), Some(libc::SIGTERM), "the newer one counts");
    // It has been reaped: that is no fault.
    pass_on();
    drop(new);
}
