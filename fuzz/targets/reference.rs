#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| landwaiter_fuzz::reference(text));
