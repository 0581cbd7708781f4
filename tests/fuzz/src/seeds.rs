//! The cases to begin with: what the project itself holds, and `corpus/`, one case a file of hexadecimal digits.

use std::fs;
use std::io;
use std::path::Path;

/// How many bytes of a file become a case.
const BYTES_MAX: usize = 4_000;

/// Answers as vendors shape them, for AWFs all over the list.
const ANSWERS: [&str; 8] = [
    r#"{"items":[{"id":"1","serial":"2","value":"x","marker":null}],"next":"2"}"#,
    r#"{"data":{"gid":"1","assignee":{"gid":"2"}},"errors":[{"message":"no"}]}"#,
    r#"[{"id":"1","type":"USER_GROUP","profile":{"name":"x"}}]"#,
    r#"{"value":[{"id":"1","displayName":"x"}],"@odata.nextLink":"https://x.example/n"}"#,
    r#"{"ok":true,"channel":{"id":"C1"},"members":["U1"],"response_metadata":{"next_cursor":"a"}}"#,
    r#"{"result":[{"sys_id":"1","number":"INC1","state":"1"}]}"#,
    "<e:Envelope xmlns:e=\"x\"><e:Body><r><ID type=\"WID\">7</ID><a/><a>1</a></r></e:Body></e:Envelope>",
    "",
];

/// Writes all cases into `folder`.
pub fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cases = Vec::new();
    texts(&root.join("connectors/manifests"), b'm', &mut cases)?;
    texts(&root.join("config"), b'd', &mut cases)?;
    texts(&root.join("runtime/sim/manifests"), b'm', &mut cases)?;
    for (nth, body) in ANSWERS.iter().enumerate() {
        for spread in 0..40_u16 {
            let [low, high] = (spread * 29).to_le_bytes();
            let head = [b'a', low, high, u8::try_from(nth % 3).unwrap_or(0), spread.to_le_bytes()[0]];
            cases.push([head.as_slice(), body.as_bytes()].concat());
        }
        let letter = if body.starts_with('<') { b'x' } else { b'j' };
        cases.push([&[letter], body.as_bytes()].concat());
    }
    for (folder, letters) in [("runtime/journal/tests/journal/corpus", "efht"), ("tests/fuzz/corpus", "")] {
        for file in fs::read_dir(root.join(folder))? {
            let bytes = digits(&fs::read_to_string(file?.path())?);
            if letters.is_empty() {
                cases.push(bytes.clone());
            }
            cases.extend(letters.bytes().map(|letter| [&[letter], bytes.as_slice()].concat()));
        }
    }
    for (nth, case) in cases.iter().enumerate() {
        fs::write(folder.join(format!("seed-{nth:04}")), case)?;
    }
    println!("{} cases", cases.len());
    Ok(())
}

/// Every declaration below a folder as a case, cut to its first lines.
fn texts(folder: &Path, letter: u8, cases: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            texts(&path, letter, cases)?;
        } else if path.extension().is_some_and(|it| it == "hcl") {
            let bytes = fs::read(&path)?;
            let cut = bytes.get(..BYTES_MAX).unwrap_or(&bytes);
            cases.push([&[letter], cut].concat());
        }
    }
    Ok(())
}

fn digits(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or(0);
    digits.chunks_exact(2).map(byte).collect()
}
