//! Overload and a full disk: what is answered, what it costs, and that nothing which was accepted is lost.

use crate::daemon::{Daemon, command, ends};
use crate::doors::onboarding;
use crate::estate::{World, wait_for};
use crate::http;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Makes every answer of the HR system slow, so that requests stay open.
fn slow(world: &World, delay_ms: u32) {
    let fault = format!(
        r#"{{"system": "workday", "operation": "*", "kind": "slow", "delay_ms": {delay_ms}, "times": 1000000}}"#
    );
    world.control("POST", "/faults", &fault);
}

/// A request of which nobody waits for the answer.
fn throw(daemon: &Daemon, body: &str) {
    let host = daemon.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let head = format!(
        "POST /v1/requests HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        daemon.token(),
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a request");
    // Given time to be read before the connection goes.
    stream.set_read_timeout(Some(std::time::Duration::from_millis(1))).expect("a timeout");
    let _no_answer = std::io::Read::read(&mut stream, &mut [0; 16]);
}

#[test]
fn a_flood_is_told_to_come_again_in_bounded_memory_and_what_was_accepted_is_answered() {
    let world = World::start();
    let daemon = Daemon::start_in(&world, command(&world).args(["--open-requests-max", "16"]));
    slow(&world, 3_000);
    let open = || daemon.ask("GET", "/v1/status", "").json()["open_requests"].as_u64().expect("a count");
    let before = daemon.memory_kib();
    // Nobody of that name is known: whoever is asked for is looked for again, and HR is slow.
    let body = |at: u32| onboarding(&format!("flood {at}"), &format!("nobody.{at}"));
    let mut thrown = 0;
    wait_for("as many open requests as there may be", || {
        throw(&daemon, &body(thrown));
        thrown += 1;
        (open() == 16).then_some(())
    });
    let mut turned_away = 0;
    for at in 0..2_000 {
        let answer = daemon.ask("POST", "/v1/requests", &body(10_000 + at));
        if answer.status == 503 {
            assert!(answer.body.contains("16 requests are open: try again later"), "{}", answer.body);
            turned_away += 1;
        }
        assert!(matches!(answer.status, 503 | 409), "{}: {}", answer.status, answer.body);
        if turned_away == 500 {
            break;
        }
    }
    assert_eq!(turned_away, 500, "a flood was let in");
    assert!(open() <= 16);
    let grown = daemon.memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "the flood took {grown} KiB");
    let metrics = http::call("GET", &format!("{}/metrics", daemon.url), &[], b"").body;
    let counted = metrics.lines().find_map(|line| line.strip_prefix("xops_requests_turned_away_total "));
    assert!(counted.is_some_and(|count| count.parse::<u64>().is_ok_and(|count| count >= 500)), "{counted:?}");
    // What was accepted is in the journal, whoever hung up: a new start answers it.
    let accepted = open();
    daemon.kill();
    world.control("DELETE", "/faults", "");
    let daemon = Daemon::start(&world);
    wait_for("the answers", || {
        (daemon.ask("GET", "/v1/status", "").json()["open_requests"] == 0).then_some(())
    });
    let mut refused = 0;
    for at in 0..thrown {
        let answer = daemon.ask("POST", "/v1/requests", &body(at));
        assert_eq!(answer.status, 409, "{}", answer.body);
        refused += 1;
    }
    assert!(accepted > 0 && refused >= accepted);
}

/// A hundred thousand letters in no order, because what repeats is packed before it is stored.
fn noise(seed: usize) -> String {
    let mut state = seed as u64 + 1;
    let mut letter = || {
        // Marsaglia's xorshift (2003), with his shifts for 64 bits.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..100_000).map(|_| letter()).collect()
}

#[test]
fn a_full_disk_ends_every_acknowledgement_at_once_and_with_room_all_that_was_acknowledged_goes_on() {
    let world = World::start();
    // A first life, so that the journal's size is known.
    let daemon = Daemon::start(&world);
    assert_eq!(daemon.terminate().code(), Some(0));
    // Frames wait in a file of fixed length before they go into the journal's: the room is that of the longer of the two.
    let files = std::fs::read_dir(world.data().join("acme/journal")).expect("a journal");
    let sizes = files.map(|file| file.expect("a file").metadata().expect("its length").len());
    let room = sizes.max().expect("a file") / 512;
    // No file may grow beyond that: writing fails then as it does on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {room}; exec \"$@\"");
    let inner = command(&world);
    let mut full = Command::new("sh");
    full.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    full.current_dir(world.dir()).env_clear().stdin(Stdio::null());
    for (name, value) in std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("XOPS_"))
    {
        full.env(name, value);
    }
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            full.env(name, value);
        }
    }
    let said = world.dir().join("full.log");
    let log = std::fs::File::create(&said).expect("a log");
    let mut daemon = Daemon::logged(&world, &mut full, log);
    let first = daemon.ask("POST", "/v1/requests", &onboarding("first", "sarah.chen"));
    assert_eq!(first.status, 202, "{}", first.body);
    // Nobody has a name that long; that it was asked for, and the answer, are written down before anybody hears of it.
    let lengthy = |at: usize| onboarding(&format!("long {at}"), &noise(at));
    let mut acknowledged = 0;
    let code = wait_for("the end of the room", || {
        if let Some(answer) = daemon.try_ask("POST", "/v1/requests", &lengthy(acknowledged))
            && answer.status == 409
        {
            acknowledged += 1;
        }
        daemon.ended()
    });
    let told = std::fs::read_to_string(&said).expect("a log");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the journal stopped"), "{told}");
    assert!(acknowledged > 0, "nothing was acknowledged before");
    ends(&world, &["verify"], 0);
    let daemon = Daemon::start(&world);
    // It may have ended while there was still room: then this process counts it, and knows nothing else of it.
    wait_for("the end of the first", || {
        let status = daemon.ask("GET", "/v1/status", "").json();
        (status["ended"]["completed"] == 1).then_some(())
    });
    // What was answered is known: it is not asked anew.
    slow(&world, 60_000);
    for at in 0..acknowledged {
        assert_eq!(daemon.ask("POST", "/v1/requests", &lengthy(at)).status, 409, "request {at}");
    }
    world.control("DELETE", "/faults", "");
    let answer = daemon.ask("POST", "/v1/requests", &onboarding("more", "wei.zhang"));
    assert_eq!(answer.status, 202, "{}", answer.body);
}

#[test]
fn a_retention_that_finds_nothing_old_removes_nothing_and_says_so_also_beside_the_daemon() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let number =
        daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen")).json()["number"].as_u64();
    daemon.until(number.expect("a number"), "completed");
    let journal = world.data().join("acme/journal");
    let before = std::fs::read_dir(&journal).expect("a journal").count();
    let (told, _) = ends(&world, &["retain", "--export", "old", "--older-than", "0s"], 0);
    assert_eq!(told, "nothing was removed\n");
    ends(&world, &["retain", "--export", "old", "--older-than", "soon"], 2);
    let inside = journal.join("old").display().to_string();
    let (_, why) = ends(&world, &["retain", "--export", &inside, "--older-than", "90d"], 2);
    assert!(why.contains("export to another place"), "{why}");
    std::fs::remove_dir(journal.join("old")).expect("an empty folder");
    let left = std::fs::read_dir(&journal).expect("a journal").count();
    assert!(left >= before, "something was removed");
    ends(&world, &["verify"], 0);
}
