//! See `xops_fuzz::SURFACES`.

#![no_main]

libfuzzer_sys::fuzz_target!(init: xops_fuzz::cases::begin("journal"), |bytes: &[u8]| xops_fuzz::hold("journal", bytes));
