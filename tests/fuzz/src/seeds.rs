//! What the first fuzzing began with: small inputs of each surface that mean something.

use crate::project::files;
use std::fs;
use std::io;
use std::path::Path;
use xops_journal::bundle::{Bundle, FORMAT};
use xops_journal::checkpoint::Checkpoint;
use xops_robots::service::{Answer, State};

/// The longest piece of a project's file that is a seed, in bytes.
const PIECE_BYTES: usize = 1_500;

/// Writes the seeds of a surface into a folder.
pub fn write(wanted: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let put = |surface: &str, number: usize, bytes: &[u8]| {
        if surface != wanted {
            return Ok(());
        }
        fs::write(folder.join(format!("seed-{number:05}")), bytes)
    };
    for (number, (name, text)) in
        files(&["config", "connectors/manifests", "runbooks"]).into_iter().enumerate()
    {
        let how = if name.starts_with("connectors") { 1 } else { 0 };
        let piece = &text[..text.len().min(PIECE_BYTES)];
        put("source", number, &[&[how][..], piece].concat())?;
        if name.contains("identity") {
            put("source", 10_000 + number, &[&[2][..], piece].concat())?;
        }
    }
    for (number, text) in QUESTIONS.iter().enumerate() {
        put("question", number, text.as_bytes())?;
    }
    for (number, body) in BODIES.iter().enumerate() {
        put("answer", number, &[&[0][..], body.as_bytes()].concat())?;
        for what in [1_u8, 2, 3, 5, 7, 33] {
            let kind = u8::from(body.starts_with('<'));
            let asked = u8::try_from(number * 17 % 256).unwrap_or(0);
            let head = [what, asked, what, kind, 0];
            put("answer", 100 * usize::from(what) + number, &[&head[..], body.as_bytes()].concat())?;
        }
        for hook in 0..8_u8 {
            let head = [hook, 0, 1, 0, 0, 3, 0, b'v', b'1', b',', 0, 0];
            put("hook", 100 * usize::from(hook) + number, &[&head[..], body.as_bytes()].concat())?;
        }
    }
    for (number, text) in PEOPLE.iter().enumerate() {
        put("people", number, &[&[u8::try_from(number).unwrap_or(0)][..], text.as_bytes()].concat())?;
    }
    journal(put)
}

fn journal(put: impl Fn(&str, usize, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let signer = crate::disk::signer();
    let said = Checkpoint { origin: "a fuzzer".into(), size: 3, root: [1; 32], head: [2; 32], at: 4 };
    let (note, key) = (signer.sign(&said).to_text(), signer.public().to_text());
    put("note", 0, note.as_bytes())?;
    put("note", 1, key.as_bytes())?;
    put("note", 2, format!("{note}\n{note}").as_bytes())?;
    let bundle =
        Bundle { format: FORMAT.into(), instance: 1, checkpoint: note, public_key: key, events: Vec::new() };
    put("bundle", 0, &serde_json::to_vec(&bundle).map_err(io::Error::other)?)?;
    put("bundle", 1, &[1, 0, 1, 1, 0, 3, 0, 1, 2, 3, 0, 0, 0])?;
    for how in [0, 1, 2, 6] {
        let head = [how, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        put("frame", usize::from(how), &[&head[..], &[1, 3, 7, 7, 7]].concat())?;
    }
    put("ahead", 0, &[1, 1, 0, 1, 1, 1, 1, 3, 0, 1, 2, 3, 1, 1, 2, 0, 9, 9])?;
    put("kept", 0, &[1, 1, 1, 3, 0, 9, 0, 0, 0, 1, 3, 1, 1, 0, 1, 2, 0, 1, 0])?;
    put("keyring", 0, &[1, 17, 0, 4])?;
    for way in 0..7_u8 {
        put("journal", usize::from(way), &[way, way, 0, 0, 0, 40, 1, 0, 4, 0, 1, 2, 3, 4])?;
    }
    let mut state = State::default();
    state.epoch = 3;
    state.answers.insert(xops_kernel::id::RequestId([4; 16]), Answer::Refused(vec!["no".into()]));
    let mut pieces = Vec::new();
    let _infallible = state.pieces(|piece| {
        let bytes = bincode::serde::encode_to_vec(&piece, bincode::config::standard()).unwrap_or_default();
        pieces.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        pieces.extend_from_slice(&bytes);
        Ok::<(), ()>(())
    });
    put("snapshot", 0, &[&[0][..], &pieces].concat())?;
    stored(put)
}

/// Bodies of the tenant's entries and of an instance's, as they were written on the day of the first format.
fn stored(put: impl Fn(&str, usize, &[u8]) -> io::Result<()>) -> io::Result<()> {
    use xops_kernel::id::Digest;
    use xops_kernel::log::{Entry, Happened, Scope, What};
    use xops_kernel::saga::event::{End, Event, Stamped};
    let ring = crate::disk::ring();
    let tenant = |what| Entry::Tenant(Box::new(Happened { at: 7, what }));
    let instance = |event| Entry::Instance(1, Stamped { at: 7, event });
    let entries = [
        tenant(What::Opened { epoch: 1, version: "0.1.0".into() }),
        tenant(What::Paused { scope: Scope::All, by: "ada".into(), why: "a test".into() }),
        tenant(What::Declared { digest: Digest([6; 32]), declarations: Box::default() }),
        instance(Event::Started),
        instance(Event::Resumed { epoch: 2 }),
        instance(Event::Turned { why: "enough".into(), by: None }),
        instance(Event::Ended { end: End::Completed }),
    ];
    for (number, entry) in entries.iter().enumerate() {
        let mut body = Vec::new();
        xops_journal::stored::encode(entry, None, &ring, &mut body).map_err(io::Error::other)?;
        let stream = u8::from(matches!(entry, Entry::Instance(..)));
        put("stored", number, &[&[stream, 0][..], &body[1..]].concat())?;
        put("stored", 100 + number, &[&[stream, 1][..], &body[1..]].concat())?;
    }
    put(
        "stored",
        200,
        &[&[0, 2, 9, 0, 0, 0][..], &[0x10, b'a', 1, 0, 0x50, b'b', b'b', b'b', b'b', b'b']].concat(),
    )
}

const QUESTIONS: [&str; 6] = [
    "person.country == \"MX\"",
    "person.end_date <= date(\"2026-12-31\") && !(person.title in [\"Sales Rep\", \"Manager\"])",
    "link.okta.id != null || person.email == lower(\"A@B\")",
    "person.first_name == person.last_name ? true : false",
    "[for x in person.groups : x]",
    "person[\"country\"] == 1 + 2 * -3",
];

const PEOPLE: [&str; 4] = [
    "id,first name,last name,email\n1,Sarah,Chen,sarah.chen@acme.example\n2,Jon,Doe,\n",
    "Email;Name\na@b;Ada\n",
    "id,name\n\"1\",\"a\nb\"\n\"unended",
    "\u{feff}id,full_name,date_of_birth\n1,\"O'Hara, Jo\",1980-02-29\n1,\"O'Hara, Jo\",29.02.1980\n",
];

const BODIES: [&str; 9] = [
    "{\"id\":\"1\",\"status\":\"ACTIVE\",\"profile\":{\"login\":\"a@b\"}}",
    "{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"@odata.nextLink\":\"https://x.example/next\"}",
    "{\"Resources\":[{\"id\":\"1\",\"userName\":\"a\"}],\"totalResults\":1,\"startIndex\":1,\"itemsPerPage\":1}",
    "{\"result\":[],\"error\":{\"message\":\"no\",\"detail\":null}}",
    "{\"ok\":false,\"error\":\"ratelimited\",\"response_metadata\":{\"next_cursor\":\"\"}}",
    "[1,-2.5e3,\"\\ud83d\\ude00\",null,true,{\"a\":[[]]}]",
    "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><a b=\"c\">1</a></e:Body></e:Envelope>",
    "<?xml version=\"1.0\"?><a><b k=\"1\"/><b k=\"2\">&amp;&#x41;</b><![CDATA[x]]></a>",
    "type=event&id=1&body=%7B%7D",
];
