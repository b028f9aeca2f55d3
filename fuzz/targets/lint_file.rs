#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| landwaiter_fuzz::lint_file(data));
