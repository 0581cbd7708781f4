//! The door to every decoder: driven by the fuzzer where it is built with `guided`, else fed with files and folders that are named.
//!
//!     xops-fuzz --seeds DIR     writes the cases to begin with into DIR
//!     xops-fuzz FILE...         feeds these cases once

#![cfg_attr(feature = "guided", no_main)]

mod seeds;

#[cfg(feature = "guided")]
libfuzzer_sys::fuzz_target!(
    init: {
        // It has no `main` of its own: the folder of the cases to begin with is filled before they are read.
        if let Some(folder) = std::env::var_os("XOPS_FUZZ_SEEDS") {
            seeds::write(folder.as_ref()).expect("the folder can be written");
        }
    },
    |case: &[u8]| xops_fuzz::feed(case)
);

#[cfg(not(feature = "guided"))]
fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, folder] = arguments.as_slice()
        && flag == "--seeds"
    {
        return seeds::write(folder.as_ref());
    }
    for path in &arguments {
        xops_fuzz::feed(&std::fs::read(path)?);
    }
    println!("{} cases fed", arguments.len());
    Ok(())
}
